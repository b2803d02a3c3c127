"""Pictures by address, for shoppers: what is refused without a connection."""

from pathlib import Path

import pytest

from catalog.pictures.decoder import ImageRefused
from catalog.storage.folders import FolderIncoming
from indexer.photo_links import AT_ONCE, PhotoLinks


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8001/ops", "http://localhost/x.png", "http://[::1]/x.png", "http://169.254.169.254/latest",
        "http://10.0.0.1/x.png", "file:///etc/passwd", "incoming:" + "a" * 64, "http://user:pass@example.com/x.png",
        "https://example.com:8443/x.png", "http://[::ffff:127.0.0.1]/x.png", "http://", "nonsense",
    ],
)  # fmt: skip
def test_what_is_not_the_public_web_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ImageRefused) as refused:
        PhotoLinks(FolderIncoming(tmp_path)).read(url)
    assert refused.value.code == "image-address" and "drop it here" in refused.value.fix


def test_only_so_many_are_fetched_at_once(tmp_path: Path) -> None:
    links = PhotoLinks(FolderIncoming(tmp_path))
    for _ in range(AT_ONCE):
        assert links._free.acquire(blocking=False)
    with pytest.raises(ImageRefused, match="Try again in a few seconds"):
        links.read("http://127.0.0.1/x.png")
