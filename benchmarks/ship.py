"""Put trained weights into a task's bundle, and their hashes into the task's record.

    python -m benchmarks.ship TASK RUN/model.pt [--data DIR]

The checkpoint goes to ``models/model.pt`` in half precision. Beside it goes its trust, whose limit of kinds is fitted here, because a
training knows no pictures of other kinds (``benchmarks.kinds``). The deployed graph in 8 bits, made from this checkpoint and calibrated on
images of the task's training part, goes to ``models/model.onnx``. If the checkpoint is that of the bundle, only trust and graph are made.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.data import DATA_ROOT
from benchmarks.kinds import Sight, known_pictures
from benchmarks.tasks import BENCHMARKED
from usseg_monai.errors import UssegError, WeightsError
from usseg_monai.tasks import TASKS, get_task
from usseg_monai.weights.checkpoints import sha256_of
from usseg_monai.weights.half import store_half
from usseg_monai.weights.quantize import calibration_images, export_int8
from usseg_monai.weights.trust import fit_kinds, load_trust, save_trust, trust_file

REPOSITORY = Path(__file__).resolve().parents[1]


def ship(task: str, checkpoint: Path, data: Path) -> dict[str, str]:
    """Store weights and graph in the bundle, and return what the record says of them, by the names of its fields.

    Args:
        task: name of a task.
        checkpoint: state dict, with its trust beside it.
        data: folder of all data sets.

    Raises:
        WeightsError: the weights are missing, damaged, of another network, or have no trust.
        UsageError: a data set cannot be read.
    """
    trust = load_trust(checkpoint)
    if trust is None:
        raise WeightsError(f"no weights with a trust at {checkpoint}: give the model.pt of a training that came to its end")
    images = calibration_images(data / BENCHMARKED[task].data)
    models = REPOSITORY / "bundles" / get_task(task).bundle / "models"
    stored = models / "model.pt"
    if not stored.exists() or not stored.samefile(checkpoint):  # another version of torch would write other bytes
        store_half(checkpoint, stored)
    save_trust(fit_kinds(trust, *known_pictures(Sight(task, stored), data)), stored)
    return {
        "weights_sha256": export_int8(task, stored, images, models / "model.onnx"),
        "checkpoint_sha256": sha256_of(stored),
        "trust_sha256": sha256_of(trust_file(stored)),
    }


def with_hashes(record: str, hashes: Mapping[str, str]) -> str:
    """The source of a record with other hashes.

    >>> with_hashes('Task(name="nerve", trust_sha256="ab")', {"trust_sha256": "cd"})
    'Task(name="nerve", trust_sha256="cd")'
    """
    for field, sha256 in hashes.items():
        record, found = re.subn(rf'\b({field}=)"\w*"', rf'\g<1>"{sha256}"', record)
        if found != 1:
            raise UssegError(f"the record has {found} times {field}: it must state it once")
    return record


def main(argv: Sequence[str] | None = None) -> int:
    """Ship one task's weights; returns 1 if that cannot be done."""
    parser = argparse.ArgumentParser(description="Put trained weights into a task's bundle, and their hashes into the task's record.")
    parser.add_argument("task", choices=tuple(TASKS))
    parser.add_argument("checkpoint", type=Path, help="best weights of a training, with their trust beside them")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of all data sets (default: %(default)s)")
    args = parser.parse_args(argv)
    record = REPOSITORY / "usseg_monai" / "tasks" / args.task / "record.py"
    try:
        hashes = ship(args.task, args.checkpoint, args.data)
        record.write_text(with_hashes(record.read_text(encoding="utf-8"), hashes), encoding="utf-8")
    except UssegError as error:
        print(f"ship: {error}", file=sys.stderr)
        return 1
    for field, sha256 in hashes.items():
        print(f"{field}  {sha256}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
