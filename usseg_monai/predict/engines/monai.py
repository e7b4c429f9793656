"""The engine that runs a bundle's own MONAI pipeline: for GPUs, for development, and as the reference for the deployed graph
in single precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor, decollate_batch, list_data_collate
from monai.transforms import AsDiscreted, Compose, EnsureChannelFirstd, LoadImaged, SaveImaged

from usseg_monai.errors import UsageError
from usseg_monai.geometry.types import GreyArray
from usseg_monai.measuring.result import TRUST_OUTPUTS
from usseg_monai.predict.engines.base import Answer
from usseg_monai.predict.engines.config_errors import config_error
from usseg_monai.tasks import bundle_path, config_file, get_task
from usseg_monai.weights.checkpoints import load_weights, sha256_of
from usseg_monai.weights.released import released_weights

__all__ = ["BundleEngine"]


class BundleEngine:
    """Runs ``preprocessing``, ``network_def`` and ``postprocessing`` of a task's ``inference.json`` on decoded pixels.

    Its loading and saving transforms are skipped: the caller reads and writes files, as for every engine.

    Args:
        task: name of a task.
        device: ``cpu``, ``cuda``, ``cuda:1``, or ``auto``: a GPU if there is one.
        checkpoint: state dict; by default the bundle's ``models/model.pt``, which must be the released one.
        threads: threads of torch on a CPU.
        configs: names (see `usseg_monai.tasks.config_file`) or paths of configs that override ``inference.json``, in order.

    Raises:
        UsageError: the device or a config does not exist.
        WeightsError: the weights are missing, damaged, or not the released ones.
        UssegError: a config cannot be run.
    """

    name = "torch"

    def __init__(
        self, task: str, device: str = "auto", checkpoint: Path | None = None, threads: int = 1, configs: Sequence[str] = ()
    ) -> None:
        self.outputs = get_task(task).outputs
        self.device = _device(device)
        if self.device == "cpu":
            torch.set_num_threads(threads)
        files = [config_file(task, name) for name in ("inference", *configs)]
        checkpoint = checkpoint or released_weights(task)
        try:
            self._build(ConfigParser.load_config_files([str(file) for file in files]), task, checkpoint)
        except Exception as error:  # objects of a config may raise anything
            raise config_error(error, f"look at {files[-1]}") from error
        self.weights_sha256 = sha256_of(checkpoint)

    def _build(self, config: dict[str, Any], task: str, checkpoint: Path) -> None:
        # The file with the checkpoint's fitted trust lies beside it. Nothing is written to the bundle.
        parser = ConfigParser(config | {"bundle_root": str(bundle_path(task)), "ckpt_path": str(checkpoint)})
        self.network = load_weights(parser.get_parsed_content("network_def"), checkpoint).eval().to(self.device)
        before = parser.get_parsed_content("preprocessing").transforms
        self.preprocessing = Compose([step for step in before if not isinstance(step, (LoadImaged, EnsureChannelFirstd))])
        self.inferer = parser.get_parsed_content("inferer")
        after = [step for step in parser.get_parsed_content("postprocessing").transforms if not isinstance(step, SaveImaged)]
        cut = next(index for index, step in enumerate(after) if isinstance(step, AsDiscreted))
        self.to_probability, self.to_mask = Compose(after[:cut]), Compose(after[cut:])

    def __call__(self, pixels: GreyArray) -> Answer:
        """Segment grey values ``(rows, cols)`` of any size and range."""
        return self.batch([pixels])[0]

    def batch(self, images: Sequence[GreyArray]) -> list[Answer]:
        """Segment several images, of any sizes, in one pass of the network."""
        items = [self.preprocessing({"image": MetaTensor(torch.from_numpy(np.ascontiguousarray(pixels.T[None])))}) for pixels in images]
        batch = list_data_collate(items)
        with torch.inference_mode():
            batch["pred"] = self.inferer(batch["image"].to(self.device), self.network)
            return [self._answer(item) for item in decollate_batch(batch)]

    def _answer(self, item: dict[str, Any]) -> Answer:
        found = self.to_probability(item)
        probability = found["pred"].cpu().numpy()[-1].T  # the last channel, as the background may have its own
        decided = self.to_mask(found)
        mask = decided["pred"].cpu().numpy().T
        # A config may replace the bundle's network by a simpler one, and weights without a fitted trust have no trust outputs.
        extras = {name: decided[name] for name in (*self.outputs, *TRUST_OUTPUTS) if name in decided}
        return np.ascontiguousarray(mask), np.ascontiguousarray(probability), extras


def _device(name: str) -> str:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (AssertionError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"device {name!r} cannot be used: {reason}; allowed are auto, cpu, and cuda where there is a GPU") from error
    return name
