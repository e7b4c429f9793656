"""The engine that runs a bundle's own MONAI chain, for a GPU, for development, and to check the deployed graph against."""

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
from usseg_monai.imaging.image import GreyArray
from usseg_monai.inference.engines.base import EngineOutput
from usseg_monai.measurements.trust import TRUST_OUTPUTS
from usseg_monai.tasks import bundle_path, config_file, get_task
from usseg_monai.training.checkpoints import load_weights, sha256_of
from usseg_monai.training.config_errors import config_error
from usseg_monai.training.released import released_weights

__all__ = ["BundleEngine"]


class BundleEngine:
    """Runs ``preprocessing``, ``network_def`` and ``postprocessing`` of a task's ``inference.json`` on decoded pixels.

    Loading and saving are left out: files are read and written by the caller, as for every engine.

    Args:
        task: name of a task.
        device: ``cpu``, ``cuda``, ``cuda:1``, or ``auto``: a GPU where there is one.
        checkpoint: state dict; the bundle's ``models/model.pt`` unless given, which must be the released one.
        threads: threads of torch on a CPU.
        configs: laid over ``inference.json``, one after the other: names of other configs of the bundle, or paths.

    Raises:
        UsageError: the device or a config is not there.
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
        except Exception as error:  # any object of a config may raise anything
            raise config_error(error, f"look at {files[-1]}") from error
        self.weights_sha256 = sha256_of(checkpoint)

    def _build(self, config: dict[str, Any], task: str, checkpoint: Path) -> None:
        # beside the checkpoint lies what is known of its answers; nothing of the bundle is written to
        parser = ConfigParser(config | {"bundle_root": str(bundle_path(task)), "ckpt_path": str(checkpoint)})
        self.network = load_weights(parser.get_parsed_content("network_def"), checkpoint).eval().to(self.device)
        before = parser.get_parsed_content("preprocessing").transforms
        self.preprocessing = Compose([step for step in before if not isinstance(step, (LoadImaged, EnsureChannelFirstd))])
        self.inferer = parser.get_parsed_content("inferer")
        after = [step for step in parser.get_parsed_content("postprocessing").transforms if not isinstance(step, SaveImaged)]
        cut = next(index for index, step in enumerate(after) if isinstance(step, AsDiscreted))
        self.to_probability, self.to_mask = Compose(after[:cut]), Compose(after[cut:])

    def __call__(self, pixels: GreyArray) -> EngineOutput:
        """Segment grey values ``(rows, cols)`` of any size and range."""
        return self.batch([pixels])[0]

    def batch(self, images: Sequence[GreyArray]) -> list[EngineOutput]:
        """Segment several images, of whatever sizes, in one pass of the network."""
        items = [self.preprocessing({"image": MetaTensor(torch.from_numpy(np.ascontiguousarray(pixels.T[None])))}) for pixels in images]
        batch = list_data_collate(items)
        with torch.inference_mode():
            batch["pred"] = self.inferer(batch["image"].to(self.device), self.network)
            return [self._output(item) for item in decollate_batch(batch)]

    def _output(self, item: dict[str, Any]) -> EngineOutput:
        found = self.to_probability(item)
        probability = found["pred"].cpu().numpy()[-1].T  # the last channel, where the background has one of its own
        decided = self.to_mask(found)
        mask = decided["pred"].cpu().numpy().T
        # A config may lay a simpler network over the bundle's, and nothing is known of weights without a fitted trust.
        extras = {name: decided[name] for name in (*self.outputs, *TRUST_OUTPUTS) if name in decided}
        return EngineOutput(probability=np.ascontiguousarray(probability), mask=np.ascontiguousarray(mask), extras=extras)


def _device(name: str) -> str:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (AssertionError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"device {name!r} cannot be used: {reason}; allowed are auto, cpu, and cuda where there is a GPU") from error
    return name
