"""From a checkpoint to the deployed graph."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import torch
from monai.bundle import ConfigParser
from torch.export import Dim

from usseg_monai import __version__
from usseg_monai.imaging.write import atomic_path
from usseg_monai.measurements.trust import TRUST_OUTPUTS
from usseg_monai.networks.deployed import Deployed
from usseg_monai.tasks import config_file, get_task
from usseg_monai.training.checkpoints import load_weights, sha256_of
from usseg_monai.training.released import released_weights
from usseg_monai.training.trust import load_trust

__all__ = ["export_onnx", "load_network", "presence_threshold"]


def load_network(task: str, checkpoint: Path | None = None) -> tuple[torch.nn.Module, tuple[int, int]]:
    """The bundle's network with its weights, in evaluation mode, and the image size ``(W, H)`` it was trained at.

    Args:
        task: name of a task.
        checkpoint: state dict to load; the bundle's ``models/model.pt`` unless given.

    Raises:
        WeightsError: the checkpoint is missing, damaged, or of another network; the bundle's own is not the released one.

    >>> network, image_size = load_network("fetal_head")  # doctest: +SKIP
    """
    checkpoint = checkpoint or released_weights(task)
    parser = ConfigParser()
    parser.read_config(str(config_file(task, "inference")))
    network = load_weights(parser.get_parsed_content("network_def"), checkpoint)
    width, height = parser.get_parsed_content("image_size")
    return network.eval(), (width, height)


def export_onnx(task: str, checkpoint: Path | None, file: Path) -> str:
    """Write the deployed graph and return the SHA-256 of the file.

    Args:
        task: name of a task.
        checkpoint: state dict; the bundle's ``models/model.pt`` when ``None``.
        file: where the graph goes, one self-contained file.

    Raises:
        WeightsError: see `load_network`.
        OutputError: ``file`` cannot be written.
    """
    import onnx  # a development dependency

    checkpoint = checkpoint or released_weights(task)
    network, image_size = load_network(task, checkpoint)
    trust = load_trust(checkpoint)
    names = ["probability", "mask", *(TRUST_OUTPUTS if trust else ()), *get_task(task).outputs]
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "graph.onnx"
        torch.onnx.export(
            Deployed(network, image_size, presence_threshold(task), trust).eval(),
            (torch.rand(540, 800),),
            graph,
            dynamo=True,
            external_data=False,
            verbose=False,
            input_names=["pixels"],
            output_names=names,
            dynamic_shapes=({0: Dim("rows", min=2), 1: Dim("cols", min=2)},),
        )
        model = onnx.load(graph)
        for part in (model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info):
            part.ClearField("metadata_props")  # the exporter notes files and lines of this machine
        facts = {
            "task": task,
            "version": __version__,
            "labels": json.dumps(get_task(task).labels),
            "checkpoint_sha256": sha256_of(checkpoint),
        }
        onnx.helper.set_model_props(model, facts)
        onnx.checker.check_model(model)
        onnx.save(model, graph)
        with atomic_path(file) as temporary:
            shutil.copyfile(graph, temporary)
    return sha256_of(file)


def presence_threshold(task: str) -> float:
    """Below this probability of a structure there is none, by the bundle's ``inference.json``; 0 for tasks that do not classify."""
    config = json.loads(config_file(task, "inference").read_text())
    return float(config.get("presence_threshold", 0))
