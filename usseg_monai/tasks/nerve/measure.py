"""Presence, place and size of the brachial plexus in a cross-section of the neck.

Convention. Kaggle's annotations outline the plexus as a whole, with the connective tissue between its roots or trunks, in one piece: the
largest piece of a mask is measured. An empty mask is a valid answer, not a failure.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from usseg_monai.files.table import Value
from usseg_monai.measuring.plausible import shape_doubts, share_doubts
from usseg_monai.measuring.region import measure_region
from usseg_monai.measuring.result import Measurement, Status, check_probability

__all__ = ["AREA_PERCENT", "EQUIVALENT_DIAMETER_MM", "SOLIDITY", "measure"]

AREA_PERCENT = (0.5, 12.5)
"""Plausible share of the picture: from half of the smallest to twice the largest of the 1964 nerves in the table of Kaggle's training set,
which cover 1.1 to 6.2 %."""

EQUIVALENT_DIAMETER_MM = (1.0, 25.0)
"""Plausible nerves. The roots C5 to C8 have about 5 to 15 mm2 each in ultrasound (Haun et al., Ultrasound Med Biol 36:1422, 2010), which
is 2.5 to 4.4 mm across; the whole plexus, with the tissue between the roots and swollen to twice its size, stays below 25 mm."""

SOLIDITY = 0.7
"""Minimum share of the convex hull that the nerve fills: 0.82 in Kaggle's training set."""

_UNKNOWN: dict[str, Value] = dict.fromkeys(
    (
        "presence_probability",
        "area_mm2",
        "equivalent_diameter_mm",
        "area_px",
        "equivalent_diameter_px",
        "center_row_px",
        "center_col_px",
        "first_row_px",
        "last_row_px",
        "first_col_px",
        "last_col_px",
    )
)


def measure(
    mask: npt.NDArray[Any], spacing_mm: float | tuple[float, float] | None, *, presence_probability: float | None = None
) -> Measurement:
    """Measure a nerve: the largest piece of its mask.

    Args:
        mask: ``(rows, cols)``; nonzero is nerve. An empty mask means no nerve.
        spacing_mm: millimetres between pixel centres, ``(row, col)`` or one number for both, or ``None`` if unknown.
        presence_probability: the network's probability that the picture shows the nerve, 0 to 1; ``None`` for user-supplied masks.

    Returns:
        All columns of the task ``nerve``, and the status with its reason.

    Raises:
        ImageError: a mask that is not 2-D, has no pixels, or values that are not finite numbers.
        UsageError: spacing that is not two positive, finite numbers, or a probability outside 0 to 1.

    >>> import numpy as np
    >>> rows, cols = np.mgrid[:100, :140]
    >>> result = measure((rows - 30) ** 2 + (cols - 70) ** 2 <= 10**2, (0.1, 0.1), presence_probability=0.97)
    >>> result.status.value, round(result.values["equivalent_diameter_mm"], 1), result.values["first_row_px"]
    ('ok', 2.0, 20)
    """
    check_probability("presence probability", presence_probability)
    values = _UNKNOWN | {"presence_probability": presence_probability}
    region = measure_region(mask, spacing_mm)
    if region is None:
        return Measurement(values, Status.EMPTY, "no nerve found")
    nerve = region.runs
    values |= region.values
    values |= {
        "first_row_px": int(nerve.row.min()),
        "last_row_px": int(nerve.row.max()),
        "first_col_px": int(nerve.start.min()),
        "last_col_px": int(nerve.stop.max()) - 1,
    }
    doubts = (
        region.size_doubts(EQUIVALENT_DIAMETER_MM) + share_doubts("nerve", nerve, AREA_PERCENT) + shape_doubts("nerve", nerve, SOLIDITY)
    )
    return region.conclude(values, doubts, "the nerve leaves the picture: its hidden part is not measured")
