"""What the page needs to know: tasks, samples, words and colours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from usseg_monai import __version__
from usseg_monai.report.page import shades
from usseg_monai.report.words import DISCLAIMER, in_sentence
from usseg_monai.tasks import TASKS
from usseg_monai.web.decoding import LIMITS
from usseg_monai.web.samples import sample_groups

__all__ = ["MOST_BODY", "STATIC", "absent", "page_facts", "shades_css"]

MOST_BODY = 256 << 20
"""Bytes of one request."""

STATIC = Path(__file__).with_name("static")
"""The page's own files."""


def page_facts(names: Sequence[str]) -> dict[str, Any]:
    """Facts about a page that has the networks of some tasks, as JSON types.

    >>> page_facts(["fetal_head"])["tasks"][0]["structure"]
    'fetal head'
    """
    return {
        "version": __version__,
        "disclaimer": DISCLAIMER,
        "max_pixels": LIMITS.max_pixels,
        "max_bytes": MOST_BODY,
        "tasks": [
            {
                "name": name,
                "title": TASKS[name].heading,
                "finds": in_sentence(TASKS[name].title.partition(": ")[2]),
                "structure": TASKS[name].labels[1],
                "axes": bool(TASKS[name].mask_of_axes),
                "study": bool(TASKS[name].study),
                "part": TASKS[name].part_name,
                "weights": TASKS[name].weights_sha256[:12],
            }
            for name in names
        ],
        "absent": absent("their weights are not installed", [name for name in TASKS if name not in names]),
        "samples": sample_groups(names),
    }


def absent(reason: str, names: Sequence[str]) -> str:
    """Why a page does not have some tasks, in a sentence; empty if there are none.

    >>> absent("their weights are not installed", ["fetal_head"])
    'Not here, because their weights are not installed: Fetal head in ultrasound.'
    """
    return f"Not here, because {reason}: {'; '.join(TASKS[name].heading for name in names)}." if names else ""


def shades_css() -> str:
    """Style sheet with the colours of lines and statuses, the same as in pictures and reports."""
    return f":root{{{''.join(f'--{name}:{color};' for name, color in shades().items())}}}"
