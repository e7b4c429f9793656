"""Reports an error in a config in one line."""

from __future__ import annotations

from usseg_monai.errors import UssegError

__all__ = ["config_error"]


def config_error(error: BaseException, advice: str) -> UssegError:
    """The root cause as an error that a user can act on: MONAI's parser wraps it two or more times.

    Args:
        error: the exception that was raised.
        advice: what to do; not used if the cause is an error of this package, which has its own advice.

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
