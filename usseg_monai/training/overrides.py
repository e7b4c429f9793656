"""``key=value`` overrides of a bundle's config on the command line.

MONAI silently accepts an unknown key and ignores it. Here it is an error, found before MONAI is imported.
"""

from __future__ import annotations

import ast
import copy
import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import Any

from usseg_monai.errors import UsageError

__all__ = ["check_overrides", "config_keys", "merge_configs", "parse_overrides", "parse_value"]


def parse_overrides(words: Iterable[str]) -> dict[str, Any]:
    """Split ``key=value`` words; nested keys are joined by ``#``.

    Raises:
        UsageError: a word without ``=``, or a key given twice.

    >>> parse_overrides(["max_epochs=5", "train::trainer::amp=true", "image_size=288,192"])
    {'max_epochs': 5, 'train#trainer#amp': True, 'image_size': [288, 192]}
    """
    overrides: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        key = key.replace("::", "#")
        if not (key and equals):
            raise UsageError(f"{word!r} is not an override: write key=value, for example max_epochs=50")
        if key in overrides:
            raise UsageError(f"{key} is given twice: give it once")
        overrides[key] = parse_value(text)
    return overrides


def parse_value(text: str) -> Any:
    """Parse a value as JSON or as a Python literal; anything else is text.

    >>> [parse_value(text) for text in ("1e-3", "true", "None", "[1, 2]", "1,2", "Adam")]
    [0.001, True, None, [1, 2], [1, 2], 'Adam']
    """
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, SyntaxError):
            continue
        return list(value) if isinstance(value, tuple) else value
    return text


def config_keys(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every key of a config with its value; nested keys are joined by ``#``, list positions count from 0.

    >>> [key for key, _ in config_keys({"run": ["$1"], "net": {"depth": 3}})]
    ['run', 'run#0', 'net', 'net#depth']
    """
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(config, Mapping):
        items = config.items()
    elif isinstance(config, list):
        items = enumerate(config)
    for name, value in items:
        yield f"{prefix}{name}", value
        yield from config_keys(value, f"{prefix}{name}#")


def merge_configs(configs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge configs as MONAI does: later values replace earlier ones; nested keys are joined by ``#``.

    Raises:
        UsageError: a nested key whose parent is missing.

    >>> merge_configs([{"net": {"depth": 3}, "lr": 1}, {"net#depth": 4, "net#width": 8, "run": []}])
    {'net': {'depth': 4, 'width': 8}, 'lr': 1, 'run': []}
    """
    merged: dict[str, Any] = {}
    for config in configs:
        for key, value in copy.deepcopy(dict(config)).items():
            *above, last = key.replace("::", "#").split("#")
            try:
                place = reduce(lambda inside, name: inside[int(name) if isinstance(inside, list) else name], above, merged)
                place[int(last) if isinstance(place, list) else last] = value
            except (KeyError, IndexError, ValueError, TypeError):
                raise UsageError(f"a config sets {key!r}, but those before it have nothing there: lay it over another config") from None
    return merged


def check_overrides(config: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
    """Check overrides against their config.

    Args:
        config: a bundle's config as in the file.
        overrides: new values by key, nested keys joined by ``#``.

    Raises:
        UsageError: a key that is not in the config, or a value of another kind (a word for a number). Expressions (``$...``) and
            references (``@...``) are always accepted.
    """
    known = dict(config_keys(config))
    for key, value in overrides.items():
        if key not in known:
            raise UsageError(f"the config has no key {key!r}: did you mean {', '.join(_nearest(key, known))}? (nested keys: a#b)")
        _check_kind(key, known[key], value)


def _nearest(key: str, known: Iterable[str]) -> list[str]:
    """At most four similar keys: first those with the same last part, then those with similar spelling."""
    known = list(known)
    last = key.rpartition("#")[2]
    alike = [name for name in known if name.rpartition("#")[2] == last]
    near = difflib.get_close_matches(key, known, n=4, cutoff=0.4) or known
    return list(dict.fromkeys(alike + near))[:4]


def _check_kind(key: str, old: Any, new: Any) -> None:
    if isinstance(new, str) and new[:1] in ("$", "@"):
        return
    if isinstance(old, bool):
        fits, kind = isinstance(new, bool), "true or false"
    elif isinstance(old, (int, float)):
        fits, kind = isinstance(new, (int, float)) and not isinstance(new, bool), "a number"
    elif isinstance(old, list):
        fits, kind = isinstance(new, list), "a list, for example 288,192"
    else:
        return
    if not fits:
        raise UsageError(f"{key}={new!r}: it must be {kind}, as {json.dumps(old)} in the config")
