"""Operating point of the malignant probability of breast images: the threshold that finds most malignant validation images.

Prints the threshold of given weights, which must not be trained on the validation images, over all sources and for each: one threshold is
used for all, and the difference between sources says how well it fits each of them.

    python -m benchmarks.operating_point FIRST/model.pt [--data DIR]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.accuracy.breast import MALIGNANT, SOURCES, of_source, operating_point
from benchmarks.accuracy.cases import evaluate, read_sections
from benchmarks.data import DATA_ROOT
from usseg_monai.predict.predictor import Predictor


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="The malignant probability that finds 90 % of the malignant validation images.")
    parser.add_argument("weights", type=Path, help="checkpoint of the bundle breast")
    parser.add_argument(
        "--data", type=Path, default=DATA_ROOT, help="folder of busi/, busbra/ and breast_lesions_usg/ (default: %(default)s)"
    )
    args = parser.parse_args(argv)
    items = read_sections("breast", args.data)["validation"]
    results = evaluate(Predictor("breast", engine="torch", weights=args.weights), items)
    for name, members in (("all sources", results), *((source, of_source(results, source)) for source in SOURCES)):
        malignant = sum(result.category == MALIGNANT for result in members)
        threshold = f"{operating_point(members):.4f}" if malignant else "-"
        print(f"{name}: {threshold} ({malignant} malignant images)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
