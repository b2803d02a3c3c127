"""A small real shop in a folder: SQLite, decoder, engine process, pipeline and searcher, put together.

The benchmarks of indexing and the integration tests share it. Everything is the real part but the encoder,
which may be `PlainEncoder` where the model is not the point.
"""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from catalog.database import open_engine, sessions, upgrade
from catalog.pictures.decoder import Decoder
from catalog.products import ensure_merchant, save_product
from catalog.records import ProductRecord
from catalog.site import ensure_live, live_index, read_site
from catalog.storage.place import Images, open_folder
from indexer.doctor import Difference, diagnose
from indexer.pipeline import Pipeline
from searcher.models import Models
from searcher.photos import QueryPhotos
from searcher.search import Searcher
from vectors.edge import EdgeStore, EngineProcess, start_engine

if TYPE_CHECKING:
    from embedding.pack import Pack
    from embedding.packs import Packs

GRID = 8  # squares on a side of a generated picture
Pixels = NDArray[np.uint8]


class PlainEncoder:
    """The shape of a pack without a model: pixels and words through fixed random projections."""

    name = "plain"
    batch = 32

    def __init__(self, fingerprint: str = "plain0123456789abcdef", dimension: int = 64) -> None:
        self.fingerprint, self.dimension, self.embedded = fingerprint, dimension, 0
        rng = np.random.default_rng(7)
        self._projection = np.asarray(rng.normal(size=(GRID * GRID * 3, dimension)), np.float32)

    def encode_images(self, pixels: Sequence[Pixels]) -> NDArray[np.float32]:
        """B pictures -> (B, D) unit rows."""
        self.embedded += len(pixels)
        small = [Pictures.fromarray(image).resize((GRID, GRID), Pictures.Resampling.BOX) for image in pixels]
        flat = np.stack([np.asarray(image, np.float32).ravel() / 255 - 0.5 for image in small])
        return _unit(np.matmul(flat, self._projection))

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """B texts -> (B, D) unit rows; equal words, equal rows."""
        seeds = [int.from_bytes(text.encode()[:32].ljust(8, b"\0"), "little") for text in texts]
        rows = [np.random.default_rng(seed).normal(size=self.dimension) for seed in seeds]
        return _unit(np.array(rows, np.float32).reshape(len(texts), self.dimension))

    least_kinship = -1.0

    def kinship(self, photo: NDArray[np.float32], found: NDArray[np.float32]) -> None:
        """It knows no kinds."""

    def patches(self, pixels: Pixels) -> None:
        """It looks at the whole."""

    def compose(
        self, image: NDArray[np.float32] | None, text: NDArray[np.float32] | None, balance: float = 0.5
    ) -> NDArray[np.float32]:
        """(D,) somewhere between the picture and the words."""
        if image is None or text is None:
            return np.asarray(text if image is None else image, np.float32)
        mixed = _unit(((1 - balance) * image + balance * text)[None])
        return np.asarray(mixed[0], np.float32)


class PlainPacks:
    """The shape of `embedding.packs.Packs` over encoders that are there."""

    def __init__(self, *encoders: "Pack | PlainEncoder") -> None:
        self.encoders = {encoder.fingerprint: encoder for encoder in encoders}

    def get(self, fingerprint: str) -> "Pack | PlainEncoder":
        """The encoder of this fingerprint."""
        return self.encoders[fingerprint]

    def keep(self, fingerprints: Iterable[str]) -> None:
        """Nothing is loaded here that could be let go."""


def _unit(rows: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)


def picture(seed: int, side: int = 160, kind: str = "JPEG") -> bytes:
    """A picture of coloured squares, one of its own for each seed."""
    return encoded(pixels(seed, side), kind)


def pixels(seed: int, side: int = 160) -> Pixels:
    """The picture of a seed as (side, side, 3) uint8."""
    squares = np.random.default_rng(seed).integers(0, 256, (GRID, GRID, 3), np.uint8)
    return np.asarray(Pictures.fromarray(squares).resize((side, side), Pictures.Resampling.NEAREST))


def encoded(image: Pixels, kind: str = "JPEG") -> bytes:
    """The bytes of a picture file."""
    file = io.BytesIO()
    Pictures.fromarray(image).save(file, kind, quality=92)
    return file.getvalue()


class Shop:
    """One merchant's data folder with an engine over it: its own, or one that several shops share."""

    def __init__(
        self,
        root: Path,
        encoder: "Pack | PlainEncoder | None" = None,
        socket: Path | None = None,
        decoder: Decoder | None = None,
        images: Images | None = None,
        database_url: str = "",
    ) -> None:
        self.root = root
        for name in ("blobs", "incoming", "index", "photos"):
            (root / name).mkdir(parents=True, exist_ok=True)
        (root / "run").mkdir(mode=0o700, exist_ok=True)
        self.database = open_engine(database_url or f"sqlite:///{root / 'twirl.sqlite3'}")
        upgrade(self.database)
        self.sessions = sessions(self.database)
        place = images or open_folder(root)
        self.blobs, self.incoming = place.blobs, place.incoming
        self.own_decoder, self.decoder = decoder is None, decoder or Decoder()
        self.encoder = cast("Pack", encoder or PlainEncoder())
        self.packs = PlainPacks(self.encoder)
        self.socket = socket or root / "run" / "engine.sock"
        self.engine: EngineProcess | None = None
        self.store = EdgeStore(self.socket, timeout_s=5.0)
        self.photos = QueryPhotos(root / "photos", 3600)
        self.pipelines: list[Pipeline] = []
        with self.sessions.begin() as session:
            self.merchant = ensure_merchant(session, "demo").id
            ensure_live(session, self.encoder.fingerprint, self.encoder.name, self.encoder.dimension)

    def start_engine(self) -> EngineProcess:
        """Start the engine, or start it again; ready when this returns."""
        if self.engine is not None:
            self.engine.stop()
        with (self.root / "run" / "engine.log").open("ab") as log:
            self.engine = start_engine(self.root / "index", self.socket, log=log)
        self.engine.wait_ready()
        return self.engine

    def pipeline(self, worker_id: str = "tester:1", **options: Any) -> Pipeline:
        """A pipeline over this shop, its collections made."""
        chosen = {"allow_private_urls": True, **options}
        packs = cast("Packs", self.packs)
        parts = (self.sessions, self.blobs, self.incoming, self.decoder, packs, self.store)
        made = Pipeline(*parts, worker_id=worker_id, **chosen)
        made.ensure()
        self.pipelines.append(made)
        return made

    @property
    def collection(self) -> str:
        """The live index's."""
        return live_index(read_site(self.sessions)).collection

    def searcher(self) -> Searcher:
        """A searcher that looks at the ledger, and which model is live, before every search."""
        models = Models(self.sessions, cast("Packs", self.packs), self.store, self.photos, poll_s=0)
        return Searcher(self.sessions, models, self.store, look_every_s=0)

    def put(self, sku: str, *images: bytes | str, **said: Any) -> str:
        """Save a product; images are bytes or addresses. What became of it: created, updated, unchanged."""
        sources = tuple(
            image if isinstance(image, str) else f"incoming:{self.incoming.put(image)}" for image in images
        )
        record = ProductRecord(sku=sku, **{"title": f"Garment {sku}", "images": sources, **said})
        with self.sessions.begin() as session:
            return save_product(session, self.merchant, record)

    def differences(self) -> list[Difference]:
        """What the doctor says."""
        return list(diagnose(self.sessions, self.blobs, self.incoming, self.store))

    def close(self) -> None:
        """End every process."""
        for each in self.pipelines:
            each.close()
        self.store.close()
        if self.own_decoder:
            self.decoder.close()
        if self.engine is not None:
            self.engine.stop()
        self.database.dispose()
