"""What went wrong in a config, in one line."""

from __future__ import annotations

from usseg_monai.errors import WeightsError
from usseg_monai.predict.engines.config_errors import config_error


def wrapped(cause: Exception) -> RuntimeError:
    """An error as MONAI's parser wraps it."""
    error, outer = RuntimeError("Failed to instantiate component"), RuntimeError("Failed to evaluate ConfigExpression")
    error.__cause__, outer.__cause__ = cause, error
    return outer


def test_an_error_of_the_package_comes_out_as_it_is() -> None:
    cause = WeightsError("no weights")
    cause.__cause__ = OSError("of the disk")
    assert config_error(wrapped(cause), "look") is cause


def test_any_other_is_named_by_its_first_line() -> None:
    assert str(config_error(wrapped(ValueError("bad\nworse")), "look")) == "the config cannot be run: ValueError: bad; look"
    assert str(config_error(wrapped(ValueError()), "look")) == "the config cannot be run: ValueError: no reason given; look"
