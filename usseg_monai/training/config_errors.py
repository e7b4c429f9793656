"""What went wrong in a config, in one line."""

from __future__ import annotations

from usseg_monai.errors import UssegError

__all__ = ["config_error"]


def config_error(error: BaseException, advice: str) -> UssegError:
    """The error that a user can act on: MONAI's parser wraps what went wrong, twice and more.

    Args:
        error: what was raised.
        advice: what to do, where the cause is not an error of this package with an advice of its own.

    >>> error = RuntimeError("Failed to instantiate component")
    >>> error.__cause__ = KeyError("lr")
    >>> config_error(error, "look at the overrides")
    UssegError("the config cannot be run: KeyError: 'lr'; look at the overrides")
    """
    while error.__cause__ is not None and not isinstance(error, UssegError):
        error = error.__cause__
    if isinstance(error, UssegError):
        return error
    reason = (str(error).strip() or "no reason given").splitlines()[0]
    return UssegError(f"the config cannot be run: {type(error).__name__}: {reason}; {advice}")
