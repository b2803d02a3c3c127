"""Who may import whom, read from the imports themselves; and that importing is free of effects."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOUNDATION = {"catalog", "embedding", "vectors", "atelier"}
# The table of docs/architecture.md. A name with a dot allows that one module.
MAY_IMPORT: dict[str, set[str]] = {
    "catalog": {"migrations"},
    "accounts": {"catalog"},
    "embedding": set(),
    "vectors": set(),
    "atelier": set(),
    "migrations": {"accounts", "catalog"},
    "indexer": FOUNDATION,
    "searcher": FOUNDATION,
    "training": {"embedding", "atelier"},
    "web": {"searcher", "accounts", "catalog", "indexer.queue"},
    "settings": set(),
    "telemetry": set(),
    "bootstrap": {*FOUNDATION, "accounts", "indexer", "searcher", "settings", "telemetry"},
    "launcher": {
        "accounts",
        "settings",
        "bootstrap",
        "indexer",
        "searcher",
        "catalog",
        "vectors",
        "atelier",
        "embedding",
        "telemetry",
    },
    "commands": {
        "accounts",
        "settings",
        "bootstrap",
        "launcher",
        "catalog",
        "indexer",
        "searcher",
        "web",
        "vectors",
        "embedding",
        "telemetry",
        "training",
    },
    "cli": {
        "accounts",
        "commands",
        "settings",
        "bootstrap",
        "launcher",
        "catalog",
        "indexer",
        "searcher",
        "web",
        "vectors",
        "telemetry",
    },
}
ENTRY_POINTS = {
    "web/wsgi.py": {"settings", "bootstrap", "telemetry"},
    "indexer/celery_app.py": {"settings", "bootstrap"},
    "vectors/edge/__main__.py": {"telemetry"},
    "vectors/edge/shard_process.py": {"telemetry"},
}


def sources(package: str) -> list[Path]:
    module = ROOT / f"{package}.py"
    return [module] if module.exists() else sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """The dotted names that a file imports, at any depth of its code."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; name the package"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def allows(allowed: set[str], name: str) -> bool:
    return any(name == rule or name.startswith(f"{rule}.") for rule in allowed)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_go_in_one_direction(package: str) -> None:
    wrong = []
    for path in sources(package):
        relative = path.relative_to(ROOT).as_posix()
        allowed = MAY_IMPORT[package] | {package} | ENTRY_POINTS.get(relative, set())
        for name in imported(path):
            if name.split(".")[0] in MAY_IMPORT and not allows(allowed, name):
                wrong.append(f"{relative} imports {name}")
    assert not wrong, wrong


def test_only_settings_reads_the_environment() -> None:
    wrong = []
    for package in MAY_IMPORT:
        for path in sources(package):
            text = path.read_text()
            if package != "settings" and ("os.environ" in text or "getenv" in text):
                wrong.append(path.relative_to(ROOT).as_posix())
    assert not wrong, f"read the environment in settings only: {wrong}"


def test_every_package_is_listed_in_pyproject() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    there = {
        init.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for package in MAY_IMPORT
        if (ROOT / package).is_dir()
        for init in (ROOT / package).rglob("__init__.py")
    }
    assert listed == there


def test_every_library_is_named_in_pyproject() -> None:
    """What only lies in the developer's environment is missing from everybody else's.

    A library that a named one requires counts as named where it is the named one's own face (httpx of
    qdrant-client, botocore of s3fs): importing it is then a promise of that library.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [
        *project["dependencies"],
        *(line for some in project["optional-dependencies"].values() for line in some),
    ]
    named = {_canonical(line) for line in lines}
    named |= {_canonical(line) for name in named for line in requires(name) or () if "extra ==" not in line}
    own = {*MAY_IMPORT, "deploy", "tests", "benchmarks", "hostile", "twirl_client"}
    providers = packages_distributions()
    wrong = []
    for path in _own_code():
        for library in {name.split(".")[0] for name in imported(path)} - own - sys.stdlib_module_names:
            if not {_canonical(each) for each in providers.get(library, ())} & named:
                wrong.append(f"{path.relative_to(ROOT)} imports {library}")
    assert not wrong, f"name these libraries in pyproject.toml: {wrong}"


def _own_code() -> Iterator[Path]:
    for package in (*MAY_IMPORT, "tests", "benchmarks"):
        yield from sources(package)


def _canonical(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=;~! ]", requirement)[0]).lower()


def test_a_folder_with_code_is_a_package() -> None:
    for package in MAY_IMPORT:
        for path in sources(package):
            if path.parent != ROOT and path.parent.name != "versions":
                assert (path.parent / "__init__.py").exists(), path


def test_modules_stay_small() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for package in MAY_IMPORT
        for path in sources(package)
        if (lines := len(path.read_text().splitlines())) > 320
    }
    assert not long, f"split these modules: {long}"


def test_models_are_never_unpickled() -> None:
    for package in MAY_IMPORT:
        for path in sources(package):
            text = path.read_text()
            for banned in ("torch.load(", "import pickle", "trust_remote_code=True"):
                assert banned not in text, f"{path}: {banned}"


def test_importing_everything_touches_nothing(tmp_path: Path) -> None:
    """No engine, model, socket, file or thread at import; and the web's import needs no torch."""
    code = """
import importlib, pkgutil, socket, sys, threading
socket.socket.connect = lambda *a: sys.exit("a socket was opened at import")
for top in sys.argv[1:]:
    module = importlib.import_module(top)
    for info in pkgutil.walk_packages(getattr(module, "__path__", []), top + "."):
        if not info.name.endswith("__main__") and not info.name.startswith("migrations.") \
                and info.name not in {"web.wsgi", "indexer.celery_app"}:
            importlib.import_module(info.name)
assert threading.active_count() == 1, threading.enumerate()
"""
    names = [name for name in MAY_IMPORT if name != "migrations" and sources(name)]
    done = subprocess.run(
        [sys.executable, "-c", code, *names], cwd=tmp_path, capture_output=True, text=True, timeout=150
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert list(tmp_path.iterdir()) == []
