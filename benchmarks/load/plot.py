"""The curve of what is answered over what is asked for, with its knee, as a picture."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.load.stretch import Stretch


def draw(path: Path, stretches: Sequence[Stretch], knee: float, overload: Stretch | None = None) -> None:
    """Write an SVG: answers in time above, percentiles below. Needs matplotlib, of the `train` extra."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "twirl"  # the same ids each time
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(2, 1, figsize=(8, 7), sharex=True, layout="constrained")
    rates = [each.rate for each in stretches]
    above.plot(rates, rates, color="0.8", label="asked for")
    above.plot(rates, [each.goodput for each in stretches], "o-", label="answered within a second")
    if overload is not None:
        above.plot([overload.rate], [overload.goodput], "s", label="2 minutes at three times the knee")
    above.set_ylabel("requests a second")
    for percent in (50, 95, 99):
        below.plot(rates, [each.percentile(percent) for each in stretches], "o-", label=f"p{percent}")
    below.set_yscale("log")
    below.set_ylabel("milliseconds, of what was answered")
    below.set_xlabel("requests a second that were meant to be sent")
    for axes in (above, below):
        axes.axvline(knee, color="C3", linestyle=":", label=f"knee: {knee:.0f}/s")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
