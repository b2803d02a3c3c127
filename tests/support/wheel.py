"""Builds the wheel of the working tree, as the image does, and unpacks it."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.support.compose import ROOT

_BUILD = "from setuptools.build_meta import build_wheel; import sys; build_wheel(sys.argv[1])"


def sources(wanted: Callable[[str], bool]) -> list[str]:
    """The working tree's files, new ones too, that are `wanted`."""
    words = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file() and wanted(name)]


def build_wheel(folder: Path, names: list[str]) -> Path:
    """Build a wheel in `folder` from these files. Raises AssertionError with what the build said."""
    source = folder / "source"
    for name in names:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    words = [sys.executable, "-c", _BUILD, str(folder)]
    done = subprocess.run(words, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = folder.glob("*.whl")
    return wheel


def unpack(wheel: Path, folder: Path) -> Path:
    """Unpack a wheel into an import folder; return the folder."""
    zipfile.ZipFile(wheel).extractall(folder)
    return folder
