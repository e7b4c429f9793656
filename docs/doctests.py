"""Examples of docstrings in the generated reference: a doctest becomes a block of code."""

from __future__ import annotations

import re
from typing import Any

import griffe

__all__ = ["Doctests", "fenced"]

_DOCTEST = re.compile(r"^( *)>>> .*?(?=\n\s*\n|\Z)", re.DOTALL | re.MULTILINE)
_FLAGS = re.compile(r"\s*# doctest: \+\w+")


class Doctests(griffe.Extension):
    """Griffe's extension: changes every docstring before it is parsed."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Fence the doctests of one object."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """A docstring whose doctests, with their output, are fenced as code.

    >>> print(fenced("One.\\n\\n>>> 1 + 1  # doctest: +SKIP\\n2"))
    One.
    <BLANKLINE>
    ```pycon
    >>> 1 + 1
    2
    ```
    """
    return _DOCTEST.sub(lambda match: f"{match[1]}```pycon\n{_FLAGS.sub('', match[0])}\n{match[1]}```", text)
