"""The picture that a fill embeds: the rendition that was stored when the image was decoded."""

import numpy as np
from numpy.typing import NDArray
from structlog import get_logger

from catalog.pictures.decoder import read_rendition
from catalog.storage.blobs import BlobMissing, Blobs
from indexer.acquire import EMBEDDED_SIZE

log = get_logger("indexer")


def stored_pixels(blobs: Blobs, sha256: str) -> NDArray[np.uint8] | None:
    """(H, W, 3) RGB, longest side some 480 px; None where the bytes are lost or damaged.

    Raises StorageUnavailable.
    """
    try:
        data = blobs.read(sha256, EMBEDDED_SIZE)
    except BlobMissing:
        log.warning("fill-picture-lost", sha256=sha256)
        return None
    try:
        return read_rendition(data)
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow says of damaged files
        log.warning("fill-picture-damaged", sha256=sha256, cause=repr(error)[:200])
        return None
