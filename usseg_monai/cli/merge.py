"""``usseg merge``: join the shards of a run."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

__all__ = ["add_parser", "run"]

_EXAMPLE = """example: usseg merge results.1 results.2 results.3 -o results

Exit codes: 0 merged, 1 a shard is unfinished or cannot be read, 2 the folders are not all shards of one run."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    from usseg_monai.cli.options import output_place

    parser = subparsers.add_parser(
        "merge",
        description="Join the folders that 'usseg predict --shard I/N' or 'usseg measure --shard I/N' wrote into one, as if a single run "
        "had written it: tables in the order of the inputs, masks and overlays (linked if possible), accounts.jsonl, run.json. "
        "--resume works in it.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shards", metavar="OUT", nargs="+", type=output_place, help="folders of all shards, or their addresses")
    parser.add_argument("-o", "--output", metavar="MERGED", type=output_place, required=True, help="merged folder, or its address")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")


def run(args: argparse.Namespace) -> int:
    """Merge, and print the number of inputs."""
    from usseg_monai.errors import printable
    from usseg_monai.runs.merge import merge_shards

    merged = merge_shards(args.shards, args.output)
    if args.json:
        print(json.dumps({"output": str(args.output), **dataclasses.asdict(merged)}))
    else:
        counts = f"{merged.done} done, {merged.failed} failed, {merged.skipped} skipped"
        print(printable(f"{len(args.shards)} shards, {counts}: {args.output}"))
    return 0
