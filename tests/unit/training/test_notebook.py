"""The notebook runs from its first cell to its last, and finds what it says it looks for.

A notebook is JSON with lists of lines: running its cells in order takes no library.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

NOTEBOOK = Path(__file__).resolve().parents[3] / "docs" / "notebooks" / "small_shop.ipynb"
RUNNER = """
import json, sys
names = {}
for number, cell in enumerate(json.load(open(sys.argv[1], encoding="utf-8"))["cells"]):
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
said = {
    "questions": len(names["judgement"].exam),
    "learned": names["outcome"].fingerprint != names["load_pack"](names["LIVE"]).fingerprint,
    "found": [names["items"][row]["color"] for row in names["hits"]],
    "exam": names["exam"].answers.composed.at_10,
}
print("RESULT" + json.dumps(said))
"""


def test_it_trains_evaluates_and_searches(tmp_path: Path) -> None:
    environment = os.environ | {
        "MPLBACKEND": "Agg", "TMPDIR": str(tmp_path), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, str(NOTEBOOK)],
        cwd=NOTEBOOK.parent, env=environment, capture_output=True, text=True, timeout=170,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.rsplit("RESULT", 1)[1])
    assert told["questions"] >= 20
    assert told["learned"], "the candidate has other weights than the live pack"
    assert told["found"][0].casefold().startswith("orange"), told
    assert told["exam"] > 60
    assert "composed" in done.stdout and "R@10" in done.stdout


def test_it_is_kept_without_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert [
        cell for cell in cells if cell["cell_type"] == "code" and (cell["outputs"] or cell["execution_count"])
    ] == []
