"""What a training run says of itself: a CSV file, TensorBoard events, and the curves as a picture."""

import csv
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType


class Logbook:
    """Writes FOLDER/log.csv, FOLDER/events.* and, when it is closed, FOLDER/curves.png.

    A run that goes on appends: rows of earlier epochs stay.
    """

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter  # of the `train` extra; slow to import

        self.folder = folder
        self._events = SummaryWriter(str(folder))

    def write(self, epoch: int, figures: Mapping[str, float]) -> None:
        """One epoch's figures."""
        path = self.folder / "log.csv"
        fresh = not path.exists()
        with path.open("a", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            if fresh:
                writer.writerow(["epoch", *figures])
            writer.writerow([epoch, *(f"{figure:.9g}" for figure in figures.values())])
        for name, figure in figures.items():
            self._events.add_scalar(name, figure, epoch)

    def __enter__(self) -> "Logbook":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._events.close()
        if (self.folder / "log.csv").exists():
            draw_curves(self.folder / "log.csv", self.folder / "curves.png")


def draw_curves(log: Path, picture: Path) -> None:
    """A panel a figure of a CSV log, epochs across."""
    from matplotlib.figure import Figure

    with log.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = [name for name in rows[0] if name != "epoch"]
    figure = Figure(figsize=(3.2 * len(names), 2.8), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        axes.plot([int(row["epoch"]) for row in rows], [float(row[name]) for row in rows], marker=".")
        axes.set_title(name)
        axes.set_xlabel("epoch")
    figure.savefig(picture, dpi=110)
