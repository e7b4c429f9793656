"""Record of an output folder's first use, so that later runs into it can be required to match."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from usseg_monai.errors import OutputError
from usseg_monai.files.write import write_text

__all__ = ["recorded"]


def recorded(record: Path, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the content of a JSON record; if there is none, write ``facts`` there and return them.

    Raises:
        OutputError: the folder cannot be made or written to.

    >>> import tempfile
    >>> record = Path(tempfile.mkdtemp()) / "run" / "options.json"
    >>> recorded(record, {"epochs": 2}), recorded(record, {"epochs": 3})
    ({'epochs': 2}, {'epochs': 2})
    """
    if record.is_file():
        earlier: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
        return earlier
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {record.parent}: {error.strerror}") from error
    write_text(record, json.dumps(facts, indent=2) + "\n")
    return facts
