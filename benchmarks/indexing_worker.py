"""The indexer of a benchmark's shop as a process of its own, to be killed at any moment.

    python -m benchmarks.indexing_worker FOLDER [--pack DIRECTORY]

Prints a line once it works. Without a pack it embeds with `PlainEncoder`.
"""

import argparse
from pathlib import Path

import structlog

from benchmarks.indexing_shop import Shop
from indexer.runner import Rounds, run_forever, stop_on_signals


def main() -> None:
    """Index the shop in the folder until SIGTERM."""
    parser = argparse.ArgumentParser(description="Index a benchmark's shop until stopped.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pack", type=Path, help="embed with this model pack")
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))  # warnings and worse
    encoder = None
    if options.pack:
        from embedding.pack import load_pack  # brings torch, which the plain encoder does without

        encoder = load_pack(options.pack)
    stop = stop_on_signals()
    shop = Shop(options.folder, encoder)
    pipeline = shop.pipeline("benchmark:worker", batch=options.batch)
    print("working", flush=True)
    run_forever(pipeline, stop, nice=5, rounds=Rounds(lease=30, claims=2))
    shop.decoder.close()


if __name__ == "__main__":
    main()
