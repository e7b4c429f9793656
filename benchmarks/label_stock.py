"""MONAI Label's stock app ``monaibundle`` with copies of our bundles, run in the label server's environment."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.label_client import label_python
from usseg_monai.tasks import bundle_path

__all__ = ["STOCK_VARIABLES", "prepare_stock", "stock_command"]

STOCK_VARIABLES = {
    "MONAI_LABEL_DATASTORE_FILE_EXT": '["*.png", "*.jpg", "*.dcm"]',  # its default leaves DICOM out
    "MONAI_LABEL_SESSIONS": "false",
}
"""Environment variables of the stock app's server."""

_CURES = "from usseg_monai.label_app.compat import install\n\ninstall()\n\n"


def prepare_stock(folder: Path, tasks: Sequence[str]) -> Path:
    """Copy the stock app from the label server's environment and bundles into a folder; returns the app's."""
    app = folder / "monaibundle"
    shutil.copytree(label_python().parents[1] / "monailabel" / "sample-apps" / "monaibundle", app)
    main = app / "main.py"
    main.write_text(_CURES + main.read_text(encoding="utf-8"), encoding="utf-8")  # trainings import it in processes of their own
    for task in tasks:
        shutil.copytree(bundle_path(task), app / "model" / task)
    return app


def stock_command(app: Path, studies: Path, tasks: Sequence[str]) -> list[str]:
    """Command line of its server, ``PORT`` standing for the port; ``zoo_source`` other than the default keeps it off the network."""
    start = [str(label_python()), "-m", "usseg_monai.label_app.compat", "start_server", "--app", str(app), "--studies", str(studies)]
    return [*start, "--host", "127.0.0.1", "--port", "PORT", "--conf", "models", ",".join(tasks), "--conf", "zoo_source", "ngc"]
