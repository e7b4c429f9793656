"""``usseg dicom pull``: copy series from an archive."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

__all__ = ["add_parser", "run"]

_MOST_NAMES = 3
_EXAMPLE = """examples:
  usseg dicom pull https://HOST/dicom-web --study 1.2.3 -o IMAGES
  usseg dicom pull https://HOST/dicom-web --query StudyDate=20260101-20260131 --query Modality=US -o IMAGES

Passwords are never words of the command: USSEG_DICOMWEB_TOKEN, or USSEG_DICOMWEB_USER and USSEG_DICOMWEB_PASSWORD, or ~/.netrc.
Exit codes: 0 all copied, 1 some objects failed or nothing matched, 2 wrong use."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "dicom pull",
        description="Copy whole series from a DICOMweb service (QIDO-RS, WADO-RS) to DIR/STUDY/SERIES/OBJECT.dcm, as they are stored. "
        "What is in DIR already is not copied again: after an interruption, run the same command.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", metavar="URL", help="root of the DICOMweb service, such as https://HOST/dicom-web")
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="folder to copy to")
    parser.add_argument("--study", metavar="UID", action="append", default=[], help="all series of this study; may be repeated")
    parser.add_argument("--series", metavar="UID", action="append", default=[], help="this series; may be repeated")
    parser.add_argument(
        "--query",
        metavar="KEYWORD=VALUE",
        action="append",
        default=[],
        help="all series that match, such as Modality=US, StudyDate=20260101-20260131, PatientID=1*; if repeated, all must match",
    )
    parser.add_argument("--json", action="store_true", help="print what was copied as JSON")


def run(args: argparse.Namespace) -> int:
    """Copy the series; the exit code is 1 if an object failed, or if there was nothing to copy."""
    from usseg_monai.dicom.exchange.address import parse_url
    from usseg_monai.dicom.exchange.pull import pull
    from usseg_monai.dicom.exchange.search import check_query, check_uid
    from usseg_monai.errors import UsageError, printable

    queries = [{"StudyInstanceUID": check_uid(uid)} for uid in args.study]
    queries += [{"SeriesInstanceUID": check_uid(uid)} for uid in args.series]
    if query := dict(check_query(text) for text in args.query):
        queries.append(query)
    if not queries:
        raise UsageError("nothing says what to copy: give --study UID, --series UID or --query KEYWORD=VALUE")
    done = pull(parse_url(args.url), args.output, queries)
    if args.json:
        facts = {name: getattr(done, name) for name in ("series", "copied", "kept", "failed")}
        print(json.dumps({"folder": str(done.folder), **facts}))
    else:
        for uid, reason in list(done.failed.items())[:_MOST_NAMES]:
            print(printable(f"failed: {uid}: {reason}"))
        if len(done.failed) > _MOST_NAMES:
            print(f"failed: {len(done.failed) - _MOST_NAMES} more")
        print(printable(f"{done.copied} objects copied, {done.kept} were there, of {done.series} series: {done.folder}"))
    return 1 if done.failed or not done.series else 0
