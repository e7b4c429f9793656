"""``usseg datalist``: describe a folder of images and masks for training."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

_EXAMPLE = """examples:
  usseg datalist hc18 hc18/ -o hc18.json
  usseg datalist kaggle_nerve nerve/ -o nerve.json --drop-contradictions
  usseg datalist folder my_images/ -o my_images.json --group-pattern 'patient\\d+'

docs/data.md tells how to get each data set, and how a folder of your own is read."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "datalist",
        description="Write a MONAI datalist: images and their annotations, whole groups (exams, patients) placed into training, "
        "validation and test. What is missing or unexpected is told.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "dataset",
        metavar="DATASET",
        help="hc18, kaggle_nerve, busi, busbra, breast (the two in one folder), sunnybrook (official layouts), or "
        "folder (any folder of images and masks)",
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="where the data set lies")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="JSON file to write")
    parser.add_argument(
        "--group-pattern",
        metavar="REGEX",
        help="for 'folder': what in an image's path names its group; the first bracket if there is one. "
        "Without it: the image's folder below DIR, or else its name up to the last '_'",
    )
    parser.add_argument(
        "--drop-contradictions",
        action="store_true",
        help="leave out images whose annotation is contradicted by that of another one, nearly the same, of their group (docs/data.md)",
    )
    parser.add_argument("--json", action="store_true", help="print counts and remarks as JSON")


def run(args: argparse.Namespace) -> int:
    """Write the datalist; remarks go to standard error."""
    from usseg_monai.data.contradictions import drop_contradictions
    from usseg_monai.data.datalist import SECTIONS, read_dataset, to_datalist
    from usseg_monai.errors import printable
    from usseg_monai.imaging.write import write_text

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
