"""Functional groups of enhanced DICOM objects (PS3.3, C.7.6.16): facts that each frame has of its own, or all frames share."""

from __future__ import annotations

from usseg_monai.imaging.dicom_elements import Budget, DataSet, read_elements

SHARED, PER_FRAME = 0x52009229, 0x52009230
MEASURES, POSITION, ORIENTATION, CONTENT = 0x00289110, 0x00209113, 0x00209116, 0x00209111
CARDIAC, TEMPORAL, CONVERTED = 0x00189118, 0x00209310, 0x00209171
TAGS = frozenset((SHARED, PER_FRAME))
"""Elements that hold the groups."""

_GROUPS = frozenset((MEASURES, POSITION, ORIENTATION, CONTENT, CARDIAC, TEMPORAL, CONVERTED))
_MOST_ELEMENTS = 10_000  # of the groups of one frame


class Groups:
    """The functional groups of a file; those of a frame are parsed when they are asked for.

    Args:
        dataset: with the elements of `TAGS`.
        frames: number of frames: no more groups are looked at.
    """

    def __init__(self, dataset: DataSet, frames: int) -> None:
        self._data = dataset.data
        self._shared = dataset.first(SHARED, _GROUPS)
        self._places = dataset.places(PER_FRAME, frames)
        self._last: tuple[int, DataSet] | None = None  # several facts of one frame are asked for together

    def __bool__(self) -> bool:
        return bool(self._places or self._shared.elements)

    @property
    def per_frame(self) -> int:
        """Number of frames that have groups of their own."""
        return len(self._places)

    def find(self, index: int, group: int, wanted: frozenset[int]) -> DataSet:
        """The first item of a group of a frame, else of the one that all frames share; an empty one where there is neither."""
        if index < len(self._places):
            if self._last is None or self._last[0] != index:
                self._last = index, read_elements(self._data, *self._places[index], _GROUPS, Budget(_MOST_ELEMENTS))[0]
            if group in (own := self._last[1]):
                return own.first(group, wanted)
        return self._shared.first(group, wanted)
