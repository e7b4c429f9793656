"""Options that are wrong whatever the inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from usseg_monai.cluster import Ray
from usseg_monai.errors import UsageError
from usseg_monai.runs.options import Options, available_cores, check_options
from usseg_monai.tasks import get_task

HEAD = get_task("fetal_head")


def test_threads_are_those_given_or_all_cores() -> None:
    assert check_options(Options(threads=3), HEAD) == 3
    assert check_options(Options(), HEAD) == available_cores() >= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(threads=0), "threads 0: must be 1 or more"),
        (Options(save=("masks",)), "cannot save 'masks'"),
        (Options(spacing_mm=(0.2, -0.2)), "-0.2"),
        (Options(batch_size=0), "batch_size 0: must be 1 or more"),
        (Options(task_options={"epicardium": Path()}), "the option epicardium was given for fetal_head: it is one of left_ventricle"),
        (Options(masks_of=Path("nowhere")), "nowhere holds no run.json"),
    ],
)
def test_wrong_options(options: Options, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_options(options, HEAD)


def test_masks_are_measured_here() -> None:
    with pytest.raises(UsageError, match="on ray: masks are measured by this process; leave it out"):
        check_options(Options(on=Ray()), HEAD, given_masks=True)


def test_given_masks_need_no_engine() -> None:
    assert check_options(Options(engine="tensorflow", threads=1), HEAD, given_masks=True) == 1
    with pytest.raises(UsageError, match="unknown engine 'tensorflow'"):
        check_options(Options(engine="tensorflow", threads=1), HEAD)
