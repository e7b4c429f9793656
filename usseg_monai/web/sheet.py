"""One page of paper for one picture, as PDF."""

from __future__ import annotations

from usseg_monai.errors import UsageError
from usseg_monai.report.sheet import Sheet, draw_sheets
from usseg_monai.web.calls import file_name, measured
from usseg_monai.web.decoding import LIMITS
from usseg_monai.web.engines import Engines
from usseg_monai.web.wire import grey_of, split

__all__ = ["sheet"]


def sheet(engines: Engines, message: bytes) -> bytes:
    """The PDF of one frame.

    Args:
        engines: for the version of the weights.
        message: as for `usseg_monai.web.calls.measured`, with the mask first; then the pixels, of the given ``type``.

    Raises:
        UssegError: the message cannot be used.
    """
    text, data = split(message)
    if text.get("axes") is not None:
        raise UsageError("a sheet takes a mask")
    found = measured(text, data)
    pixels, _ = grey_of(text, found.rest, LIMITS)
    weights = engines.weights(found.task.name)
    return draw_sheets(
        [Sheet(found.task, file_name(text), pixels, found.mask, found.measurement, found.spacing_mm, weights, found.corrected)]
    )
