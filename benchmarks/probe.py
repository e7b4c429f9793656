"""A fixed probe of the tests: 38 errors of one line each, put in one at a time; every one must make a test fail.

    python -m benchmarks.probe

The first eleven are errors that once survived, because constants were tested far from their value. `benchmarks.mutation` draws further
ones at random. Exit code 1 if an error survives.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

from benchmarks.mutation import REPOSITORY, Copy, load_libraries


class Slip(NamedTuple):
    """One error.

    Attributes:
        module: path below the repository; the test file that mirrors it must fail.
        old: part of a line of it, which occurs once.
        new: what stands there instead.
    """

    module: str
    old: str
    new: str

    def source(self) -> str:
        """The module with the error; `ValueError` if the line to change is not there exactly once."""
        source = (REPOSITORY / self.module).read_text(encoding="utf-8")
        if source.count(self.old) != 1:
            raise ValueError(f"{self.module} has {self.old!r} {source.count(self.old)} times, not once: adapt benchmarks/probe.py")
        return source.replace(self.old, self.new)


_GEOMETRY, _MEASURING, _IMAGING = "usseg_monai/geometry/", "usseg_monai/measuring/", "usseg_monai/imaging/"
_FORMATS, _TASKS, _NETWORKS = _IMAGING + "formats/", "usseg_monai/tasks/", "usseg_monai/networks/"

SLIPS = (
    Slip(_GEOMETRY + "ellipse.py", "max(1.4826 *", "max(1.0 *"),
    Slip(_TASKS + "breast/measure.py", "lesions[0].start.min()) < SMALLEST_PX", "lesions[0].start.min()) <= SMALLEST_PX"),
    Slip(_FORMATS + "dicom_pixels.py", "bits * 2 // 3", "bits // 3"),
    Slip(_FORMATS + "volume.py", "self._ahead = self._inflate(1)", "self._ahead = b''"),
    Slip(_IMAGING + "drawing/display.py", "largest <= 255", "largest < 255"),
    Slip(_IMAGING + "drawing/chart.py", "up * (BOTTOM - TOP)", "up / 2 * (BOTTOM - TOP)"),
    Slip(_TASKS + "left_ventricle/belonging.py", "EVEN = 1.1", "EVEN = 1.3"),
    Slip(_IMAGING + "scale.py", "of_region or given.listed", "given.listed or of_region"),
    Slip(_TASKS + "left_ventricle/study.py", "OPEN_END = 0.5", "OPEN_END = 0.6"),
    Slip("usseg_monai/training/losses.py", "clamp(min=0.25)", "clamp(min=0.025)"),
    Slip(_NETWORKS + "deployed.py", "present >= self.presence_threshold", "present > self.presence_threshold"),
    Slip(_NETWORKS + "deployed.py", "probability >= 0.5", "probability > 0.5"),
    Slip(_NETWORKS + "deployed.py", "torch.where(found, confidence, emptied)", "torch.where(found, emptied, confidence)"),
    Slip(_NETWORKS + "deployed.py", "torch.where(deviation > 0", "torch.where(deviation < 0"),
    Slip(_NETWORKS + "deployed.py", "antialias=True", "antialias=False"),
    Slip(_NETWORKS + "trust.py", "self.distance(pooled) / self.limit", "self.distance(pooled) * self.limit"),
    Slip(_GEOMETRY + "ellipse.py", "1 + 3 * h /", "1 - 3 * h /"),
    Slip(_GEOMETRY + "ellipse.py", "cut = 4.685", "cut = 2.685"),
    Slip(_GEOMETRY + "boundary.py", "steps / 2 - 1.5", "steps / 2 - 1.0"),
    Slip(_GEOMETRY + "run_length.py", "start[begins] + 1", "start[begins]"),
    Slip(_GEOMETRY + "run_length.py", "start[1:] < stop[:-1]", "start[1:] <= stop[:-1]"),
    Slip(_GEOMETRY + "run_length.py", "stop > rows * cols", "stop >= rows * cols"),
    Slip(_MEASURING + "plausible.py", "[] if low <= share <= high", "[] if low < share <= high"),
    Slip(_MEASURING + "plausible.py", "if low <= size_mm <= high", "if low <= size_mm < high"),
    Slip(_MEASURING + "plausible.py", "max(spacing_mm) <= PIXEL_SIDES", "max(spacing_mm) < PIXEL_SIDES"),
    Slip(_MEASURING + "plausible.py", "pixels + 1 / 12  # the variance", "pixels + 1 / 6  # the variance"),
    Slip(_MEASURING + "region.py", "self.second_share >= SECOND_PIECE_SHARE", "self.second_share > SECOND_PIECE_SHARE"),
    Slip(_MEASURING + "result.py", "confidence < low_confidence", "confidence <= low_confidence"),
    Slip(_MEASURING + "result.py", "unlikeness > 1:", "unlikeness >= 1:"),
    Slip(_TASKS + "fetal_head/measure.py", "shape[0] - shape[1]) > _SQUARE", "shape[0] - shape[1]) > 100 * _SQUARE"),
    Slip(_TASKS + "nerve/measure.py", "nerve.stop.max()) - 1", "nerve.stop.max())"),
    Slip(_TASKS + "breast/measure.py", "shape.depth > shape.width", "shape.depth < shape.width"),
    Slip(_TASKS + "left_ventricle/measure.py", "if pixels >= SMALLEST_PX", "if pixels > SMALLEST_PX"),
    Slip(_TASKS + "left_ventricle/stacks.py", "if len(positions) < 2:", "if len(positions) <= 2:"),
    Slip(_FORMATS + "dicom_rle.py", "count != samples * size", "count < samples * size"),
    Slip(_FORMATS + "dicom_pixels.py", "reshape(3, rows, cols)", "reshape(3, cols, rows).transpose(0, 2, 1)"),
    Slip(_FORMATS + "dicom_pixels.py", 'bitorder="little"', 'bitorder="big"'),
    Slip(_GEOMETRY + "spacing.py", "return low <= row", "return low < row"),
)


def main() -> int:
    """Put in each error, print those that survive and the score."""
    load_libraries(torch=True)
    survived = 0
    with Copy() as copy:
        for slip in SLIPS:
            if copy.passes_with(slip.module, slip.source(), limit_s=600.0):
                survived += 1
                print(f"survived: {slip.module}: {slip.old} -> {slip.new}", flush=True)
    print(f"{len(SLIPS) - survived} of {len(SLIPS)} killed")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
