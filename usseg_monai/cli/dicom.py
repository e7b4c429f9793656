"""``usseg dicom``: make DICOM objects of a run's results, and send them to an archive."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from usseg_monai.dicom.exchange.address import Entity, WebAddress
    from usseg_monai.dicom.run import Outcome

__all__ = ["add_parser", "run"]

_MOST_NAMES = 3
_EXAMPLE = """examples:
  usseg dicom OUT IMAGES                       segmentations (SEG) and measurement reports (SR) of a run's results
  usseg dicom OUT IMAGES --make sr,gsps --json
  usseg dicom OUT IMAGES --stow https://HOST/dicom-web
  usseg dicom OUT IMAGES --send PACS@HOST:104

Exit codes: 0 all done, 1 some inputs failed or objects were refused, 2 wrong use."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "dicom",
        description="Make DICOM objects of the results in OUT, which 'usseg predict' wrote, and of the DICOM images that it read. Masks in "
        "OUT/masks may have been corrected by hand. OUT/dicom gets the objects and objects.csv, which lists them with their identifiers.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("results", metavar="OUT", type=Path, help="output folder of 'usseg predict' or 'usseg merge'")
    parser.add_argument("inputs", metavar="IMAGES", nargs="*", help="what the run read; not needed if it ran with --absolute")
    parser.add_argument(
        "--make",
        metavar="KINDS",
        default="seg,sr",
        help="seg (segmentation), sr (measurement report), obgyn (obstetric report), gsps (presentation state), "
        "sc (secondary capture of the overlay), pdf (encapsulated PDF) (default: seg,sr)",
    )
    parser.add_argument("--seg", metavar="TYPE", default="binary", help="binary, fractional (probabilities) or labelmap (default: binary)")
    parser.add_argument("--phases", metavar="PHASES", default="ed,es", help="of stacks: ed,es or all (default: ed,es)")
    parser.add_argument("--follow-links", action="store_true", help="follow links in folders, as 'usseg predict' did")
    archive = parser.add_mutually_exclusive_group()
    archive.add_argument(
        "--stow", metavar="URL", help="send the objects to this DICOMweb service (STOW-RS), such as https://HOST/dicom-web"
    )
    archive.add_argument("--send", metavar="AET@HOST:PORT", help="send the objects to this application entity (C-STORE)")
    parser.add_argument("--aet", default="USSEG", help="our AE title for --send (default: USSEG)")
    parser.add_argument("--json", action="store_true", help="print what was made as JSON")


def run(args: argparse.Namespace) -> int:
    """Make the objects and send them; the exit code is 1 if an input failed or an object was refused."""
    from usseg_monai.dicom.exchange.address import check_aet, parse_entity, parse_url
    from usseg_monai.dicom.run import make_run
    from usseg_monai.errors import printable

    check_aet(args.aet)
    target = parse_url(args.stow) if args.stow else parse_entity(args.send) if args.send else None
    kinds = tuple(filter(None, args.make.split(",")))
    outcome = make_run(args.results, args.inputs, kinds, seg=args.seg, phases=args.phases, follow_links=args.follow_links)
    sent = deliver_made(outcome, target, args.aet) if target else None
    if args.json:
        facts = {name: getattr(outcome, name) for name in ("objects", "sources", "corrected", "skipped", "failed", "cures")}
        print(json.dumps({"folder": str(outcome.folder), **facts} | ({"sent": sent} if sent else {})))
    else:
        for line in (*outcome_lines(outcome), *(sent_lines(sent) if sent else ())):
            print(printable(line))
    return 1 if outcome.failed or (sent and sent["refused"]) else 0


def deliver_made(outcome: Outcome, target: Entity | WebAddress, aet: str) -> dict[str, Any]:
    """Send what was made; the archive, the number of objects that it has now, and the reason for each file that it refused."""
    from usseg_monai.dicom.exchange.deliver import deliver

    names = {str(row["sop_instance_uid"]): str(row["file"]) for row in outcome.objects}
    delivery = deliver([outcome.folder / name for name in names.values()], target, aet)
    refused = {names[uid]: reason for uid, reason in delivery.refused.items()}
    return {"to": str(target), "accepted": len(delivery.accepted), "refused": refused}


def sent_lines(sent: Mapping[str, Any]) -> Iterator[str]:
    """What was sent, one line per kind of outcome."""
    for name, reason in list(sent["refused"].items())[:_MOST_NAMES]:
        yield f"refused: {name}: {reason}"
    if len(sent["refused"]) > _MOST_NAMES:
        yield f"refused: {len(sent['refused']) - _MOST_NAMES} more"
    yield f"{sent['accepted']} objects are in {sent['to']}"


def outcome_lines(outcome: Outcome) -> Iterator[str]:
    """What was made, one line per kind of outcome; the last line counts the objects."""
    for name, reason in list(outcome.failed.items())[:_MOST_NAMES]:
        yield f"failed: {name}: {reason}"
    if len(outcome.failed) > _MOST_NAMES:
        yield f"failed: {len(outcome.failed) - _MOST_NAMES} more"
    for reason, count in outcome.skipped.items():
        yield f"{count} skipped: {reason}"
    for cure, count in outcome.cures.items():
        yield f"header cured in {count}: {cure}"
    if outcome.corrected:
        yield f"{len(outcome.corrected)} with masks corrected by hand, measured again"
    kinds: dict[str, int] = {}
    for row in outcome.objects:
        kinds[str(row["kind"])] = kinds.get(str(row["kind"]), 0) + 1
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    yield f"{len(outcome.objects)} objects{f' ({counts})' if counts else ''} of {outcome.sources} files and stacks: {outcome.folder}"
