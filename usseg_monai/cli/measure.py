"""``usseg measure``: measure existing masks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from usseg_monai.cli.parser import with_task

__all__ = ["add_parser", "run"]

_EXAMPLE = """examples:
  usseg measure TASK masks/ -o results --spacing-csv pixel_size.csv
  usseg measure TASK mask.png -o results --spacing-mm 0.2,0.2 --json
  usseg measure TASK labels/ -o results --label 3
  usseg measure TASK OUT/masks -o results           masks that 'usseg predict' wrote to OUT, corrected by hand

Exit codes: 0 all done, 1 some inputs failed or the run could not go on, 2 wrong use, 130 interrupted."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    from usseg_monai.cli.options import add_batch_options, results_by_task

    parser = subparsers.add_parser(
        "measure",
        description="Measure masks drawn by hand or by other software; no network runs. The structure is every pixel that is not 0; with "
        "grey edges, every pixel above half of the maximum; in label maps, the value given by --label. OUT gets overlays/, "
        "results.csv (one row per frame), accounts.jsonl (the outcome of each input) and run.json"
        f"{results_by_task()}.",
        epilog=with_task(_EXAMPLE),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_batch_options(parser, "MASK")
    parser.add_argument(
        "--run",
        dest="masks_of",
        metavar="OUT",
        type=Path,
        help="run that wrote the masks, which may be corrected: its records give pixel sizes and places; not needed for masks in OUT/masks",
    )
    parser.add_argument("--label", metavar="N", type=int, help="value of the structure in label maps")


def run(args: argparse.Namespace) -> int:
    """Measure; the exit code is 1 if an input failed."""
    from usseg_monai.cli.options import batch_options, run_batch_command
    from usseg_monai.runs.options import Options

    return run_batch_command(
        args, Options(**batch_options(args), label=args.label, masks_of=args.masks_of, save=("overlay",)), given_masks=True
    )
