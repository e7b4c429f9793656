"""Words of the page: errors without options of the command line."""

from __future__ import annotations

from collections.abc import Mapping

from usseg_monai.errors import UssegError, WeightsError

__all__ = ["OWN_WORDS", "in_page_words"]

OWN_WORDS: Mapping[str, str] = {
    WeightsError.code: "the weights of this task are missing or damaged on the machine that serves the page; 'usseg info' there says more",
}
"""What the page says of errors of a code, instead of their reason."""


def in_page_words(error: UssegError) -> str:
    """What the page says of an error: words of its own, or its reason without what only the command line can follow.

    The name of the file is left out: the page shows it beside the reason.

    >>> from usseg_monai.errors import ImageError
    >>> in_page_words(ImageError("5000 rows: too many; reduce it", remedy=", or allow more: --max-pixels", file="a.png"))
    '5000 rows: too many; reduce it'
    """
    return OWN_WORDS.get(error.code, error.reason)
