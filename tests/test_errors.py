"""Messages are one printable line."""

from __future__ import annotations

import pytest

from usseg_monai import errors
from usseg_monai.errors import UssegError, printable, quoted


def test_every_exception_is_a_usseg_error() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert len(classes) >= 6 and all(issubclass(one, UssegError) for one in classes)


def test_every_class_has_a_code_of_its_own() -> None:
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, UssegError)]
    assert len({one.code for one in classes}) == len(classes) >= 8


def test_the_text_is_file_reason_and_remedy() -> None:
    error = errors.ImageError("too many frames; split it", remedy=", or --frames")
    assert (str(error), error.reason, error.remedy, error.file) == (
        "too many frames; split it, or --frames",
        error.reason,
        ", or --frames",
        "",
    )
    named = error.about("a.dcm")
    assert str(named) == "a.dcm: too many frames; split it, or --frames" and type(named) is errors.ImageError
    assert (named.reason, named.remedy, named.file) == (error.reason, error.remedy, "a.dcm")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain ü²", "plain ü²"), ("a\nb\tc\r", "a?b?c?"), ("\x1b]0;x\x07", "?]0;x?"), ("\u202eabc", "?abc"), ("\udcff", "?")],
)
def test_what_is_not_printable_is_replaced(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_long_values_are_cut() -> None:
    assert quoted("1" * 38) == f"'{'1' * 38}'"
    assert quoted("1" * 39) == f"'{'1' * 39}..."
