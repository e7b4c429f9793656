"""``usseg app``: the page for looking, correcting and taking away."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from usseg_monai.errors import UsageError

__all__ = ["add_parser", "run"]

_EXAMPLE = "example: usseg app --port 8765 --no-browser"


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "app",
        description="Open a page in the browser: drop a picture, see what was found, correct it, take it away. The server runs on this "
        "machine, keeps nothing and sends nothing elsewhere.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", metavar="N", type=int, default=0, help="port to listen on (default: any that is free)")
    parser.add_argument(
        "--host",
        metavar="H",
        default="127.0.0.1",
        help="address of this machine to listen on (default: 127.0.0.1, which no other machine can reach); with any other, the printed "
        "address holds a key without which nothing is answered",
    )
    parser.add_argument(
        "--address",
        metavar="URL",
        default="",
        help="where browsers find the page, if that is not where it listens: behind a published port of a container, or a proxy; the "
        "printed address then holds a key; allows --host 0.0.0.0",
    )
    parser.add_argument("--no-browser", action="store_true", help="print the page's address, and do not open it")
    parser.add_argument(
        "--export",
        metavar="DIR",
        type=Path,
        help="start no server, but write the page into a new folder of static files that any web host can serve: the visitor's browser "
        "does all the work; tasks whose weights must not be passed on are left out",
    )
    parser.add_argument(
        "--single-file",
        action="store_true",
        help="with --export: one HTML file for each task, which opens from a disk without any web host",
    )


def run(args: argparse.Namespace) -> int:
    """Serve the page until interrupted, or write it as static files."""
    if args.single_file and args.export is None:
        raise UsageError("--single-file writes files: give --export DIR, too")
    if args.export is not None:
        from usseg_monai.web.export import export_page

        tasks = export_page(args.export, single_files=args.single_file)
        advice = "open a file in a browser" if args.single_file else "serve the folder by https, or here with 'python -m http.server'"
        print(f"{args.export}: the page with {', '.join(tasks)}; {advice}")
        return 0
    from usseg_monai.web.server import serve

    serve(args.host, args.port, address=args.address, browser=not args.no_browser, tell=_tell)
    return 0


def _tell(address: str) -> None:
    print(f"open {address}  (stop with Ctrl-C)", flush=True)
