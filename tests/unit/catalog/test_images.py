import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hostile import encoded, files, photo
from PIL import Image

from catalog.pictures.decoder import Decoder, DecoderUnavailable, ImageRefused, read_rendition

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as one:
        yield one


def children() -> list[int]:
    """The decoder children of this process that run."""
    found = []
    for listed in Path("/proc/self/task").glob("*/children"):
        for pid in listed.read_text().split():
            if b"catalog.pictures.child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(int(pid))
    return found


def test_every_hostile_file_is_refused_with_a_fix_or_is_a_picture(decoder: Decoder) -> None:
    wrong = []
    for name, data, expected in files():
        start = time.monotonic()
        try:
            picture = decoder.decode(data, renditions=True)
            code = ""
            assert max(picture.pixels.shape[:2]) <= 480 and picture.pixels.shape[2] == 3, name
            assert set(picture.renditions) == {160, 480, 1200}, name
        except ImageRefused as error:
            code = error.code
            assert error.message.endswith(".") and error.fix.endswith("."), name
        if code not in expected or time.monotonic() - start > 10:
            wrong.append((name, code, expected))
    assert wrong == []
    assert len(children()) == 1


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_picture_comes_back_as_it_is(decoder: Decoder, format_: str) -> None:
    original = photo((300, 400))
    picture = decoder.decode(encoded(original, format_))
    assert (picture.width, picture.height, picture.format) == (300, 400, format_)
    assert picture.pixels.shape == (400, 300, 3) and picture.pixels.dtype == np.uint8
    close = 20 if format_ == "GIF" else 8
    assert np.abs(picture.pixels.astype(int) - np.asarray(original)).mean() < close


def test_renditions_do_not_change_the_pixels(decoder: Decoder) -> None:
    for size in ((800, 1000), (2400, 3000), (300, 400)):
        data = encoded(photo(size), "JPEG")
        alone, whole = decoder.decode(data), decoder.decode(data, renditions=True)
        assert np.array_equal(alone.pixels, whole.pixels)
        longest = {side: max(Image.open(io.BytesIO(webp)).size) for side, webp in whole.renditions.items()}
        assert longest == {side: min(side, max(size)) for side in (160, 480, 1200)}


def test_a_rendition_is_read_back(decoder: Decoder) -> None:
    picture = decoder.decode(encoded(photo((600, 800)), "PNG"), renditions=True)
    again = read_rendition(picture.renditions[480])
    assert again.shape == picture.pixels.shape and again.dtype == np.uint8
    assert np.abs(again.astype(int) - picture.pixels).mean() < 5


def test_renditions_carry_no_metadata(decoder: Decoder) -> None:
    exif = Image.Exif()
    exif[0x010E] = "home address"
    data = encoded(photo(), "JPEG", exif=exif, icc_profile=b"x" * 500, comment=b"secret")
    for webp in decoder.decode(data, renditions=True).renditions.values():
        assert b"EXIF" not in webp and b"ICCP" not in webp and b"secret" not in webp


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_turned_photos_stand_upright(decoder: Decoder, turn: int, format_: str) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = turn
    data = encoded(photo((120, 200)), format_, exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    picture = decoder.decode(data)
    assert (picture.width, picture.height) == expected.size
    assert np.abs(picture.pixels.astype(int) - np.asarray(expected)).mean() < 3


def test_what_is_clear_becomes_white(decoder: Decoder) -> None:
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 32, 64))
    for format_ in ("PNG", "WEBP"):
        pixels = decoder.decode(encoded(clear, format_, lossless=True)).pixels
        assert pixels[10, 60].tolist() == [255, 255, 255] and pixels[10, 4].tolist() == [0, 0, 255]
    palette = Image.new("P", (64, 64), 1)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    pixels = decoder.decode(encoded(palette, "PNG", transparency=1)).pixels
    assert pixels[5, 5].tolist() == [255, 255, 255]


def test_sixteen_bits_keep_their_brightness(decoder: Decoder) -> None:
    grey = Image.fromarray(np.full((64, 64), 128 * 256, np.uint16))
    assert abs(int(decoder.decode(encoded(grey, "PNG")).pixels[0, 0, 0]) - 128) <= 1


def test_cmyk_keeps_its_colours(decoder: Decoder) -> None:
    red = Image.new("RGB", (64, 64), (200, 30, 30)).convert("CMYK")
    pixels = decoder.decode(encoded(red, "JPEG", quality=95)).pixels
    assert np.abs(pixels[30, 30].astype(int) - (200, 30, 30)).max() < 12


def test_a_wide_gamut_photo_is_turned_into_srgb(decoder: Decoder) -> None:
    from PIL import ImageCms

    swapped = bytearray(
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().replace(b"sRGB", b"mine")
    )
    red, green = swapped.index(b"rXYZ"), swapped.index(b"gXYZ")
    swapped[red : red + 4], swapped[green : green + 4] = swapped[green : green + 4], swapped[red : red + 4]
    data = encoded(Image.new("RGB", (64, 64), (220, 10, 10)), "PNG", icc_profile=bytes(swapped))
    pixel = decoder.decode(data).pixels[5, 5]
    assert pixel[1] > 180 and pixel[0] < 60  # the profile says that its first channel is green


def test_a_phones_jpeg_with_a_second_picture(decoder: Decoder) -> None:
    data = encoded(photo((200, 240)), "MPO", save_all=True, append_images=[photo((64, 64))])
    picture = decoder.decode(data)
    assert (picture.format, picture.width, picture.height) == ("JPEG", 200, 240)


def test_the_largest_allowed_picture_fits_the_memory(decoder: Decoder) -> None:
    picture = decoder.decode(
        encoded(Image.new("RGBA", (8000, 8000), (9, 99, 9, 128)), "PNG"), renditions=True
    )
    assert picture.pixels.shape == (480, 480, 3)


def test_too_little_memory_is_a_refusal_and_not_a_death() -> None:
    with Decoder(memory_mb=160) as small:
        with pytest.raises(ImageRefused) as refused:
            small.decode(encoded(Image.new("RGB", (7900, 7900)), "PNG", compress_level=1))
        assert refused.value.code == "image-too-complex"
        assert small.decode(encoded(photo(), "JPEG")).width == 200


def test_a_late_child_is_replaced() -> None:
    known = set(children())
    with Decoder(timeout_s=0.5) as hasty:
        assert hasty.decode(encoded(photo(), "JPEG")).width == 200
        (late,) = set(children()) - known
        os.kill(late, signal.SIGSTOP)
        with pytest.raises(ImageRefused) as refused:
            hasty.decode(encoded(photo(), "JPEG"))
        assert refused.value.code == "image-too-complex"
        assert hasty.decode(encoded(photo(), "JPEG")).width == 200
        assert late not in children()


def test_too_much_cpu_is_a_refusal() -> None:
    large = encoded(Image.new("RGB", (7900, 7900)), "PNG", compress_level=1)
    with Decoder(cpu_seconds=0) as hasty, pytest.raises(ImageRefused) as refused:
        for _ in range(40):  # the limit is in whole seconds: one of these goes over it
            hasty.decode(large)
    assert refused.value.code == "image-too-complex"


def test_a_child_that_was_killed_is_replaced_unseen() -> None:
    with Decoder() as sturdy:
        known = set(children())
        sturdy.decode(encoded(photo(), "JPEG"))
        (mine,) = set(children()) - known
        os.kill(mine, signal.SIGKILL)
        time.sleep(0.05)
        assert sturdy.decode(encoded(photo(), "JPEG")).width == 200
        (mine,) = set(children()) - known
        os.kill(mine, signal.SIGSTOP)  # now it dies in the middle of an exchange
        threading.Timer(0.1, os.kill, (mine, signal.SIGKILL)).start()
        assert sturdy.decode(encoded(photo(), "JPEG")).width == 200


def test_threads_share_the_children() -> None:
    known = set(children())
    pictures = [encoded(photo((100 + n, 200), seed=n), "JPEG") for n in range(24)]
    with Decoder(workers=2) as shared, ThreadPoolExecutor(6) as threads:
        widths = [picture.width for picture in threads.map(shared.decode, pictures)]
        assert widths == [100 + n for n in range(24)]
        assert len(set(children()) - known) <= 2


def test_no_child_outlives_its_decoder() -> None:
    known = set(children())
    one = Decoder()
    one.decode(encoded(photo(), "JPEG"))
    one.close()
    assert set(children()) == known


def test_a_fork_starts_children_of_its_own(decoder: Decoder) -> None:
    data = encoded(photo(), "JPEG")
    decoder.decode(data)
    pid = os.fork()
    if pid == 0:
        try:
            ok = all(decoder.decode(data).width == 200 for _ in range(20))
            decoder.close()
        finally:
            os._exit(0 if ok else 1)
    assert all(decoder.decode(data).width == 200 for _ in range(20))
    assert os.waitpid(pid, 0)[1] == 0


def test_a_child_that_cannot_start_says_so() -> None:
    with Decoder(memory_mb=1) as starved, pytest.raises(DecoderUnavailable, match="more memory"):
        starved.decode(encoded(photo(), "JPEG"))


def test_the_child_imports_little() -> None:
    listed = "import catalog.pictures.child, sys; print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", listed], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in answer.stdout.split()}
    assert not loaded & {"torch", "transformers", "sqlalchemy", "numpy", "requests", "flask"}
