"""Writes deploy/locks/: the image's packages at constraints.txt's versions, with the hashes of their files.

    make hashes                     # after `make lock`; asks the package index

One file for the program (`base`), one for what each extra of an image adds to it, and one for PyTorch with
what only its build for GPUs brings (`torch`): a build for CPUs comes from an index of its own, and its files
have other hashes. All are of one resolution, so any go together; markers let one file serve every processor.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "deploy" / "locks"
EXTRAS = ("deployed", "telemetry", "encoders")  # that an image may have
OF_GPUS = ("torch", "triton", "nvidia-", "cuda-")
HEADER = "# Of constraints.txt, by `make hashes`; not to be written by hand.\n"
Entries = Mapping[str, str]  # {name: its lines}


def entries(text: str) -> dict[str, str]:
    """The packages of a lock by their names: `name==version ; marker`, and the hashes below."""
    found = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.M)
    return {each.partition("==")[0]: each for each in found if "==" in each}


def is_of_gpus(name: str) -> bool:
    """Whether it is PyTorch, or comes along with its build for GPUs alone."""
    return name == OF_GPUS[0] or name.startswith(OF_GPUS[1:])


def parts(everything: Entries, named: Mapping[str, Entries]) -> dict[str, Entries]:
    """What each lock holds, given what is needed with all extras, with none ("base"), and with each."""
    base = named["base"]
    wanted = {
        "base": [each for each in base if not is_of_gpus(each)],
        "torch": list(filter(is_of_gpus, everything)),
    }
    wanted |= {
        extra: [each for each in named[extra] if each not in base] for extra in named if extra != "base"
    }
    return {lock: {each: everything[each] for each in names} for lock, names in wanted.items()}


def _resolve(*extras: str, hashes: bool = False) -> dict[str, str]:
    floor = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].strip(">= ")
    words = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--python-version",
        floor,
    ]
    words += ["--no-header", "--no-annotate", "--constraint", "constraints.txt", "pyproject.toml"]
    words += [word for extra in extras for word in ("--extra", extra)] + ["--generate-hashes"] * hashes
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our words
    if done.returncode:
        sys.exit(f"constraints.txt does not go together, or the index is out of reach:\n{done.stderr}")
    return entries(done.stdout)


def main() -> None:
    """Resolve once with all extras, and again with each to see what is its own; write the locks."""
    named = {"base": _resolve()} | {extra: _resolve(extra) for extra in EXTRAS}
    LOCKS.mkdir(exist_ok=True)
    for lock, held in parts(_resolve(*EXTRAS, hashes=True), named).items():
        (LOCKS / f"{lock}.lock").write_text(HEADER + "".join(held.values()))
        print(f"deploy/locks/{lock}.lock: {len(held)} packages")


if __name__ == "__main__":
    main()
