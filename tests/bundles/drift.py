"""Where two configs of one kind differ."""

from __future__ import annotations

from typing import Any

_ABSENT = object()


def differences(first: Any, second: Any, key: str = "") -> set[str]:
    """Keys, nested ones joined by ``#``, at which two configs differ; lists of unequal length differ as a whole.

    >>> sorted(differences({"a": 1, "b": {"c": [1, 2]}}, {"a": 2, "b": {"c": [1, 3]}}))
    ['a', 'b#c#1']
    """
    if isinstance(first, dict) and isinstance(second, dict):
        names: list[Any] = sorted(first.keys() | second.keys())
        pairs = [(name, first.get(name, _ABSENT), second.get(name, _ABSENT)) for name in names]
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        pairs = [(i, *both) for i, both in enumerate(zip(first, second, strict=True))]
    else:
        return set() if first == second else {key}
    return {found for name, one, other in pairs for found in differences(one, other, f"{key}#{name}" if key else str(name))}


def unexpected(first: Any, second: Any, allowed: frozenset[str]) -> set[str]:
    """Differences that are neither allowed nor below an allowed key."""
    return {key for key in differences(first, second) if not any(key == name or key.startswith(f"{name}#") for name in allowed)}
