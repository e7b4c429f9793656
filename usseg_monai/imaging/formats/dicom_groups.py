"""Functional groups of enhanced DICOM objects (PS3.3, C.7.6.16): facts per frame, or shared by all frames."""

from __future__ import annotations

from usseg_monai.imaging.formats.dicom_elements import Budget, DataSet, read_elements

__all__ = ["CARDIAC", "CONTENT", "CONVERTED", "MEASURES", "ORIENTATION", "PER_FRAME", "POSITION", "SHARED", "TAGS", "TEMPORAL", "Groups"]

SHARED, PER_FRAME = 0x52009229, 0x52009230
MEASURES, POSITION, ORIENTATION, CONTENT = 0x00289110, 0x00209113, 0x00209116, 0x00209111
CARDIAC, TEMPORAL, CONVERTED = 0x00189118, 0x00209310, 0x00209171
TAGS = frozenset((SHARED, PER_FRAME))
"""Elements that hold the groups."""

_GROUPS = frozenset((MEASURES, POSITION, ORIENTATION, CONTENT, CARDIAC, TEMPORAL, CONVERTED))
_MOST_ELEMENTS = 10_000  # of the groups of one frame


class Groups:
    """The functional groups of a file; those of a frame are parsed on request.

    Args:
        dataset: with the elements of `TAGS`.
        frames: number of frames; further groups are ignored.
    """

    def __init__(self, dataset: DataSet, frames: int) -> None:
        self._data = dataset.data
        self._shared = dataset.first(SHARED, _GROUPS)
        self._places = dataset.places(PER_FRAME, frames)
        self._last: tuple[int, DataSet] | None = None  # several facts of one frame are requested in succession

    def __bool__(self) -> bool:
        return bool(self._places or self._shared.elements)

    @property
    def per_frame(self) -> int:
        """Number of frames with their own groups."""
        return len(self._places)

    def find(self, index: int, group: int, wanted: frozenset[int]) -> DataSet:
        """The first item of a group of a frame, else of the shared group; an empty one if there is neither."""
        if index < len(self._places):
            if self._last is None or self._last[0] != index:
                self._last = index, read_elements(self._data, *self._places[index], _GROUPS, Budget(_MOST_ELEMENTS))[0]
            if group in (own := self._last[1]):
                return own.first(group, wanted)
        return self._shared.first(group, wanted)
