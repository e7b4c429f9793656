"""A pipeline of Ray Data in which one step measures images: `python ray_data.py FOLDER OUT` (pip install 'ray[data]').

Ray Data retries without end: a file that kills its process keeps such a pipeline from ending. `usseg predict --on ray` bounds that.
"""

import sys
from typing import Any

import numpy as np

from usseg_monai import Predictor, UssegError


class Measured:
    """Bytes of image files in, rows out; one per process, so that the network is loaded once."""

    def __init__(self, task: str = "fetal_head") -> None:
        self.predictor = Predictor(task)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        rows = [self.row(path, content) for path, content in zip(batch["path"], batch["bytes"], strict=True)]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def row(self, path: str, content: bytes) -> dict[str, Any]:
        values = dict.fromkeys((column.name for column in self.predictor.task.columns), np.nan)
        try:
            prediction = self.predictor.predict(content)
        except UssegError as error:
            return {"file": path, "status": "failed", "message": str(error), **values}
        found = {name: value for name, value in prediction.measurements.items() if isinstance(value, (int, float))}
        return {"file": path, "status": prediction.status.value, "message": prediction.message, **values, **found}


if __name__ == "__main__":
    import ray

    ray.init(log_to_driver=False)
    images = ray.data.read_binary_files(sys.argv[1], include_paths=True)
    # A little less than a core per process: with as many processes as cores, none would be left for reading, and nothing would move.
    rows = images.map_batches(Measured, batch_size=16, num_cpus=0.9, compute=ray.data.ActorPoolStrategy(min_size=1, max_size=4))
    rows.write_parquet(sys.argv[2])
