"""Start the label server on a folder of images: ``python -m usseg_monai.label_app FOLDER [--port 8000] [--models TASK,TASK]``.

It runs in the environment that ``make label`` sets up, listens on 127.0.0.1 only, and fetches nothing. With the environment variable
USSEG_LABEL_KEY every request must bring that key.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from usseg_monai.errors import UsageError, UssegError
from usseg_monai.label_app.studies import WORK
from usseg_monai.tasks import TASKS, get_task, has_weights

__all__ = ["command", "environment", "main", "prepare"]

_APP = Path(__file__).parent / "app"
_HOST = "127.0.0.1"


def prepare(studies: Path) -> Path:
    """Copy the app to the work folder within the studies, and return the copy: the server writes beside its app.

    Raises:
        UsageError: the folder does not exist or cannot be written.
    """
    if not studies.is_dir():
        raise UsageError(f"no folder {studies}: give a folder of images")
    app = studies.resolve() / WORK / "app"
    try:
        app.mkdir(parents=True, exist_ok=True)
        shutil.copy(_APP / "main.py", app / "main.py")
    except OSError as error:
        raise UsageError(f"{studies} cannot be written ({error.strerror}), but labels are stored there: copy the images") from error
    return app


def command(app: Path, studies: Path, port: int, models: Sequence[str]) -> list[str]:
    """The server's command line: MONAI Label's own, with our routes.

    >>> command(Path("app"), Path("images"), 8000, ["a", "b"])[3:6]
    ['start_server', '--app', 'app']
    """
    start = [sys.executable, "-m", "usseg_monai.label_app.compat", "start_server"]
    places = ["--app", str(app), "--studies", str(studies.resolve()), "--host", _HOST, "--port", str(port)]
    return [*start, *places, "--conf", "models", ",".join(models), "--uvicorn_app", "usseg_monai.label_app.server.routes:app"]


def environment(given: Mapping[str, str], app: Path) -> dict[str, str]:
    """Variables of the server and of the processes that it starts: no look-up in a network, nothing outside the work folder."""
    return {
        **given,
        "MONAI_LABEL_AUTO_UPDATE_SCORING": "false",
        "MONAI_LABEL_DATASTORE_AUTO_RELOAD": "false",
        "MONAI_LABEL_SESSIONS": "false",
        "MONAI_LABEL_TRACKING_ENABLED": "false",
        "PYTHONPATH": given.get("PYTHONPATH", ""),
        "PYTHONSAFEPATH": "1",
        "TMPDIR": str(app.parent / "tmp"),
    }


def main(words: Sequence[str] | None = None) -> int:
    """Start the server in place of this process."""
    parser = argparse.ArgumentParser(prog="python -m usseg_monai.label_app", description="MONAI Label server over a folder of images.")
    parser.add_argument("studies", metavar="FOLDER", type=Path, help="folder of images; labels are stored in it")
    parser.add_argument("--port", type=int, default=8000, help="on 127.0.0.1 (default: %(default)s)")
    parser.add_argument("--models", metavar="TASK,TASK", default=",".join(TASKS), help="tasks to offer (default: all with weights)")
    args = parser.parse_args(words)
    try:
        if importlib.util.find_spec("monailabel") is None:
            raise UsageError("MONAI Label is not installed here: run 'make label DIR=FOLDER' in the repository")
        models = [get_task(name).name for name in args.models.split(",")]
        for name in [name for name in models if not has_weights(name)]:
            print(f"label server: without {name}, whose weights are not here: {get_task(name).weights_remedy}", file=sys.stderr)
            models.remove(name)
        if not models:
            raise UsageError("no task has its weights here: see 'usseg tasks'")
        app = prepare(args.studies)
    except UssegError as error:
        print(f"label server: {error}", file=sys.stderr)
        return 2
    temporary = app.parent / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    os.chdir(app.parent)  # MONAI Label reads settings from a file .env in the working directory
    line = command(app, args.studies, args.port, models)
    os.execve(line[0], line, environment(os.environ, app))


if __name__ == "__main__":
    raise SystemExit(main())
