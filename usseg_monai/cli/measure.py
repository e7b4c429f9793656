"""``usseg measure``: measure existing masks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

_EXAMPLE = """examples:
  usseg measure fetal_head masks/ -o results --spacing-csv pixel_size.csv
  usseg measure fetal_head mask.png -o results --spacing-mm 0.2,0.2 --json
  usseg measure left_ventricle labels/ -o results --label 3
  usseg measure left_ventricle OUT/masks -o results           masks that 'usseg predict' wrote to OUT, corrected by hand

Exit codes: 0 all done, 1 some inputs failed or the run could not go on, 2 wrong use, 130 interrupted."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    from usseg_monai.cli.options import add_batch_options

    parser = subparsers.add_parser(
        "measure",
        description="Measure masks, drawn by hand or by other software; no network runs. What is not 0 is the structure; where edges are "
        "grey, what is above half of the maximum; in maps of several labels, the one that --label names. OUT gets overlays/, "
        "results.csv (one row per frame), of the breast also lesions.csv (one row per lesion), and run.json.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_batch_options(parser, "MASK")
    parser.add_argument(
        "--run",
        dest="masks_of",
        metavar="OUT",
        type=Path,
        help="the masks are of this run, perhaps corrected: pixel sizes and places come from its records; needless for masks in OUT/masks",
    )
    parser.add_argument("--label", metavar="N", type=int, help="value of the structure, in maps of several labels")


def run(args: argparse.Namespace) -> int:
    """Measure; the exit code is 1 where an input failed."""
    from usseg_monai.cli.options import batch_options, run_batch_command
    from usseg_monai.inference.batch import Options

    return run_batch_command(
        args, Options(**batch_options(args), label=args.label, masks_of=args.masks_of, save=("overlay",)), given_masks=True
    )
