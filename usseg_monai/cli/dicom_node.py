"""``usseg dicom node``: receive images, predict, and send objects on."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["add_parser", "run"]

_EXAMPLE = """example:
  usseg dicom node --port 11112 --aet USSEG --task TASK --store QUEUE --forward PACS@192.168.1.5:104

Exit codes: 0 stopped by SIGTERM or Ctrl-C, 1 it cannot run, 2 wrong use."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "dicom node",
        description="Listen for images (C-STORE), predict each series when its association has ended, and send segmentations (SEG) and "
        "measurement reports (SR) on. What was accepted is on the disk before its sender is told so, and survives a crash.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--task", required=True, help="what to find and measure; 'usseg tasks' lists them")
    parser.add_argument("--store", metavar="DIR", type=Path, required=True, help="folder of the queue; it holds names of patients")
    parser.add_argument(
        "--forward", metavar="ARCHIVE", required=True, help="where objects go: AET@HOST:PORT, or the URL of a DICOMweb service"
    )
    parser.add_argument("--aet", metavar="NAME", default="USSEG", help="our AE title (default: USSEG)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; 0.0.0.0 for all (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", type=int, default=11112, help="port to listen at; 0 takes a free one (default: 11112)")
    parser.add_argument(
        "--min-free-mb", metavar="MB", type=int, default=1000, help="refuse images when less is free on the disk (default: 1000)"
    )
    parser.add_argument(
        "--settle", metavar="SECONDS", type=float, default=2.0, help="silence after which a series is whole, for senders with one "
        "association per image (default: 2)"
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print each event as a line of JSON")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    from usseg_monai.dicom.exchange.address import parse_target
    from usseg_monai.dicom.node.service import Node
    from usseg_monai.errors import UsageError, printable

    if not 0 <= args.port < 65536:
        raise UsageError(f"port {args.port}: give 0 to 65535")
    if args.min_free_mb < 0 or not 0 <= args.settle <= 3600:
        raise UsageError("--min-free-mb must be 0 or more, --settle 0 to 3600")
    lock = threading.Lock()

    def say(name: str, **facts: Any) -> None:
        words = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in facts.items())
        with lock:
            print(json.dumps({"event": name, **facts}) if args.json else printable(f"{name.replace('_', ' ')}: {words}"), flush=True)

    _stop_on_sigterm()
    Node(
        args.task,
        args.store,
        parse_target(args.forward),
        aet=args.aet,
        host=args.host,
        port=args.port,
        min_free_mb=args.min_free_mb,
        settle_s=args.settle,
    ).serve(say)
    return 0


def _stop_on_sigterm() -> None:
    """Make the first SIGTERM a `KeyboardInterrupt`; further ones do not disturb the end."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
