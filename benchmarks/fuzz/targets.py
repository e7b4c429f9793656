"""All targets, by name."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.fuzz import graphs, measuring, readers, tables
from benchmarks.fuzz.target import Target

__all__ = ["TARGETS"]

TARGETS: Mapping[str, Target] = {target.name: target for target in (*readers.TARGETS, *tables.TARGETS, *measuring.TARGETS, *graphs.TARGETS)}
