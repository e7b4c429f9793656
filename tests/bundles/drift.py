"""Where two configs of one kind differ."""

from __future__ import annotations

from collections import Counter
from typing import Any

_ABSENT = object()


def differences(first: Any, second: Any, key: str = "") -> set[str]:
    """Keys, nested ones joined by ``#``, at which two configs differ.

    The steps of a chain have the name of their class for a key (and ``:2``, ``:3`` where it repeats), so that one step more is one
    difference; lines such as imports are their own key. What both chains have must stand in one order. Other lists of unequal length
    differ as a whole.

    >>> sorted(differences({"a": 1, "b": {"c": [1, 2]}}, {"a": 2, "b": {"c": [1, 3]}}))
    ['a', 'b#c#1']
    >>> chain = [{"_target_": "monai.x.Load"}, {"_target_": "Resize", "size": 1}]
    >>> sorted(differences({"run": chain}, {"run": [chain[0], {"_target_": "Flip"}, chain[1] | {"size": 2}]}))
    ['run#Flip', 'run#Resize#size']
    """
    found = set()
    if isinstance(first, list) and isinstance(second, list):
        one, other = _by_name(first), _by_name(second)
        if one is None or other is None:
            if len(first) != len(second):
                return {key}
            one, other = ({str(i): value for i, value in enumerate(items)} for items in (first, second))
        elif [name for name in one if name in other] != [name for name in other if name in one]:
            found.add(key)
        first, second = one, other
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return set() if first == second else {key}
    for name in first.keys() | second.keys():
        found |= differences(first.get(name, _ABSENT), second.get(name, _ABSENT), f"{key}#{name}" if key else str(name))
    return found


def unexpected(first: Any, second: Any, allowed: frozenset[str]) -> set[str]:
    """Differences that are neither allowed nor below an allowed key."""
    return {key for key in differences(first, second) if not any(covers(name, key) for name in allowed)}


def covers(allowed: str, key: str) -> bool:
    """Whether a key is an allowed one or lies below it."""
    return key == allowed or key.startswith(f"{allowed}#")


def _by_name(items: list[Any]) -> dict[str, Any] | None:
    """The elements of a list by their names; ``None`` where they have none, as numbers."""
    seen: Counter[str] = Counter()
    named = {}
    for item in items:
        if isinstance(item, dict) and "_target_" in item:
            name = item["_target_"].rpartition(".")[2]
        elif isinstance(item, str):
            name = item
        else:
            return None
        seen[name] += 1
        named[name if seen[name] == 1 else f"{name}:{seen[name]}"] = item
    return named
