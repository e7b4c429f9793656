"""``usseg datalist``: describe a folder of images and masks for training."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["add_parser", "run"]

_EXAMPLE = """examples:
  usseg datalist hc18 hc18/ -o hc18.json
  usseg datalist hc18 hc18/ -o hc18.json --drop-contradictions
  usseg datalist folder my_images/ -o my_images.json --group-pattern 'patient\\d+'

docs/data.md explains how to get each data set, and how your own folder is read."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    from usseg_monai.datasets.registry import SOURCES

    parser = subparsers.add_parser(
        "datalist",
        description="Write a MONAI datalist: images and their annotations, split by whole groups (exams, patients) into training, "
        "validation and test. Missing or unexpected files are reported.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "dataset",
        metavar="DATASET",
        help=", ".join(f"{source.name} ({source.content})" for source in SOURCES.values()),
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder of the data set")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="JSON file to write")
    parser.add_argument(
        "--group-pattern",
        metavar="REGEX",
        help="for 'folder': the part of an image's path that names its group; the first capture group if there is one. "
        "Default: the image's folder below DIR, or else its name up to the last '_'",
    )
    parser.add_argument(
        "--drop-contradictions",
        action="store_true",
        help="leave out images whose annotation contradicts that of a nearly identical image in their group (docs/data.md)",
    )
    parser.add_argument("--json", action="store_true", help="print counts and remarks as JSON")


def run(args: argparse.Namespace) -> int:
    """Write the datalist; remarks go to standard error."""
    from usseg_monai.datasets.contradictions import drop_contradictions
    from usseg_monai.datasets.datalist import SECTIONS, read_dataset, to_datalist
    from usseg_monai.errors import printable
    from usseg_monai.files.write import write_text

    dataset = read_dataset(args.dataset, args.folder, group_pattern=args.group_pattern)
    if args.drop_contradictions:
        dataset = drop_contradictions(dataset)
    datalist = to_datalist(dataset, args.output.parent)
    write_text(args.output, json.dumps(datalist, indent=1) + "\n")
    remarks = list(dataset.remarks)
    counts = {}
    for section in SECTIONS.values():
        items = datalist[section]
        counts[section] = {"images": len(items), "groups": len({item["group"] for item in items})}
        if not items:
            remarks.append(f"nothing in {section}: give more groups, or name them with --group-pattern")
    for remark in remarks:
        print(f"usseg: warning: {printable(remark)}", file=sys.stderr)
    if args.json:
        print(json.dumps({"output": str(args.output), "sections": counts, "remarks": remarks}))
        return 0
    for section, count in counts.items():
        print(f"{section}: {count['images']} images of {count['groups']} groups")
    print(printable(f"written to {args.output}"))
    return 0
