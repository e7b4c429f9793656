"""Why ``--resume`` starts over: the options that affect results and differ from those of the earlier run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["brief", "describe_changes"]

_MOST_CHARACTERS = 100  # of a value that is not replaced by its digest
_WORDS = {
    "version": "the version",
    "task": "the task",
    "weights_sha256": "the SHA-256 of the weights",
    "masks_of": "--run",
}


def brief(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as stored in a run record: long values, such as tables, are replaced by digests.

    >>> brief({"label": 3, "spacing_csv": [["a.png", 0.2]] * 50})["spacing_csv"]
    'digest 95ceeedf0bed'
    """
    short = {}
    for name, value in options.items():
        text = json.dumps(value)
        short[name] = json.loads(text) if len(text) <= _MOST_CHARACTERS else f"digest {hashlib.sha256(text.encode()).hexdigest()[:12]}"
    return short


def describe_changes(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The differences between two sets of options, both from `brief`; empty if there are none.

    >>> describe_changes({"spacing_mm": None, "save": ["mask"]}, {"spacing_mm": [0.5, 0.5], "save": ["mask"]})
    '--spacing-mm is 0.5,0.5 (was: not given)'
    """
    changed = [name for name in now if earlier.get(name) != now[name]]
    return "; ".join(f"{_WORDS.get(name, _option(name))} is {_text(now[name])} (was: {_text(earlier.get(name))})" for name in changed)


def _option(name: str) -> str:
    return f"--{name.removesuffix('s') if name == 'configs' else name}".replace("_", "-")


def _text(value: Any) -> str:
    if value in (None, False, []):
        return "not given"
    if value is True:
        return "given"
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value[:12] if isinstance(value, str) and len(value) == 64 else str(value)
