"""Export a checkpoint to the deployed graph."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from monai.bundle import ConfigParser
from torch.export import Dim

from usseg_monai import __version__
from usseg_monai.files.write import atomic_path
from usseg_monai.measuring.result import TRUST_OUTPUTS
from usseg_monai.networks.deployed import Deployed
from usseg_monai.tasks import config_file, get_task
from usseg_monai.weights.checkpoints import load_weights, sha256_of
from usseg_monai.weights.half import SMALL
from usseg_monai.weights.released import released_weights
from usseg_monai.weights.trust import load_trust

if TYPE_CHECKING:
    import onnx_ir
    from onnx import ModelProto

    from usseg_monai.networks.trust import Trust

__all__ = ["export_onnx", "graph_of", "load_network", "output_names", "presence_threshold", "save_graph"]


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
        file: path of the graph, one self-contained file.

    Kernels in half precision in the checkpoint (`usseg_monai.weights.half`) are also stored so in the graph, and cast to float32 where
    they are used: the graph computes with the same numbers as the network.

    Raises:
        WeightsError: see `load_network`.
        OutputError: ``file`` cannot be written.
    """
    checkpoint = checkpoint or released_weights(task)
    trust = load_trust(checkpoint)
    model = graph_of(Deployed(*load_network(task, checkpoint), presence_threshold(task), trust), output_names(task, trust))
    return save_graph(model, task, checkpoint, "float32", file)


def output_names(task: str, trust: Trust | None) -> list[str]:
    """Names of the deployed graph's outputs."""
    return ["probability", "mask", *(TRUST_OUTPUTS if trust else ()), *get_task(task).outputs]


def save_graph(model: ModelProto, task: str, checkpoint: Path, precision: str, file: Path) -> str:
    """Write a graph with the facts about it, and nothing of this machine; return the SHA-256 of the file.

    Raises:
        OutputError: ``file`` cannot be written.
    """
    import onnx  # a development dependency

    for part in (model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info):
        part.ClearField("metadata_props")  # the exporter records files and lines of this machine
    facts = {
        "task": task,
        "version": __version__,
        "labels": json.dumps(get_task(task).labels),
        "checkpoint_sha256": sha256_of(checkpoint),
        "precision": precision,
    }
    onnx.helper.set_model_props(model, facts)
    onnx.checker.check_model(model)
    with atomic_path(file) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))
    return sha256_of(file)


def graph_of(module: Deployed, names: Sequence[str]) -> ModelProto:
    """The module as an optimised graph with outputs of these names."""
    from onnxscript.optimizer import optimize_ir

    program = torch.onnx.export(
        module.eval(),
        (torch.rand(540, 800),),
        dynamo=True,
        optimize=False,
        verbose=False,
        input_names=["pixels"],
        output_names=names,
        dynamic_shapes=({0: Dim("rows", min=2), 1: Dim("cols", min=2)},),
    )
    assert program is not None  # it is None only for the old exporter
    _store_half(program.model.graph)
    # A folded cast would restore single precision. Nor may a batch norm be folded into a halved kernel, which would round it twice:
    # the optimiser folds only if the kernel itself is stored; ONNX Runtime folds when it loads the graph.
    optimize_ir(program.model, should_fold=lambda node: False if _widens(node) else None)
    return program.model_proto


def _store_half(graph: onnx_ir.Graph) -> None:
    """Store large kernels in half precision where this is lossless, each followed by a cast to float32."""
    import onnx_ir

    for name, kernel in list(graph.initializers.items()):
        assert kernel.const_value is not None  # an initialiser has a value
        values = kernel.const_value.numpy()
        if values.dtype == np.float32 and values.size > SMALL and np.array_equal(values, halved := values.astype(np.float16)):
            stored = onnx_ir.val(name, const_value=onnx_ir.tensor(halved))
            cast = onnx_ir.node("Cast", [stored], {"to": onnx_ir.DataType.FLOAT})
            onnx_ir.convenience.replace_all_uses_with(kernel, cast.outputs[0])
            del graph.initializers[name]
            graph.register_initializer(stored)
            graph.insert_before(graph[0], cast)


def _widens(node: onnx_ir.Node) -> bool:
    """Whether a node casts a stored kernel to float32."""
    import onnx_ir

    kernel = node.inputs[0] if node.op_type == "Cast" else None
    return kernel is not None and kernel.is_initializer() and kernel.dtype == onnx_ir.DataType.FLOAT16


def presence_threshold(task: str) -> float:
    """Minimum probability of a structure, from the bundle's ``inference.json``; 0 for tasks that do not classify."""
    config = json.loads(config_file(task, "inference").read_text())
    return float(config.get("presence_threshold", 0))
