"""Draw garments: a whole demo catalogue, a contact sheet, or one picture.

python -m atelier --catalogue data/demo            600 products with their feed, pictures and queries
python -m atelier --sheet docs/images/contact_sheet.webp --seed 12
python -m atelier --one coat.png --kind coat --seed 3
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from atelier.attributes import KINDS, sample_garment
from atelier.catalogue import write_catalogue
from atelier.drawing import draw
from atelier.sheet import write_sheet
from atelier.words import describe


def parser() -> argparse.ArgumentParser:
    """The command line."""
    out = argparse.ArgumentParser(
        prog="python -m atelier", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = out.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--catalogue", type=Path, metavar="FOLDER", help="write feed.jsonl, queries.jsonl and images/"
    )
    what.add_argument("--sheet", type=Path, metavar="FILE", help="draw a contact sheet (.webp, .jpg or .png)")
    what.add_argument("--one", type=Path, metavar="FILE", help="draw one garment and print what it is")
    out.add_argument("--products", type=int, default=600, help="products in the catalogue (default 600)")
    out.add_argument("--workers", type=int, default=2, help="processes that draw the catalogue (default 2)")
    out.add_argument("--seed", type=int, default=7, help="the same seed gives the same pictures (default 7)")
    out.add_argument("--size", type=int, default=640, help="width of a picture in px (default 640)")
    out.add_argument("--kind", default="", choices=["", *KINDS], metavar="KIND", help=", ".join(KINDS))
    out.add_argument("--rows", type=int, default=8, help="rows of the sheet (default 8)")
    out.add_argument("--columns", type=int, default=8, help="columns of the sheet (default 8)")
    out.add_argument("--cell", type=int, default=200, help="width of a picture on the sheet (default 200)")
    return out


def report(done: int, total: int) -> None:
    """Say how far the catalogue is, on one line."""
    sys.stderr.write(f"\rdrawn {done} of {total}" + ("\n" if done == total else ""))


def main() -> int:
    """Run the command line; 2 when an argument is refused."""
    options = parser().parse_args()
    start = time.perf_counter()
    try:
        if options.catalogue:
            feed = write_catalogue(
                options.catalogue, options.products, options.seed, report, options.workers, options.size
            )
            print(f"{feed} in {time.perf_counter() - start:.0f} s")
        elif options.sheet:
            write_sheet(
                options.sheet, options.rows, options.columns, options.cell, options.seed, options.kind
            )
            print(f"{options.sheet} ({options.sheet.stat().st_size // 1024} kB)")
        else:
            garment = sample_garment(np.random.default_rng(options.seed), options.kind)
            draw(garment, options.size, options.seed).save(options.one)
            print(*describe(garment), garment, sep="\n")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
