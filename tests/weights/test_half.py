"""Weights in half precision: what is rounded, what stays, and that trainings go on from them in single precision."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from ignite.engine import Engine
from monai.handlers import CheckpointLoader

from usseg_monai.errors import WeightsError
from usseg_monai.networks.residual_unet import ResidualUNet
from usseg_monai.networks.trust import Trust
from usseg_monai.tasks import TASKS, bundle_path
from usseg_monai.weights.checkpoints import load_weights, sha256_of
from usseg_monai.weights.half import SMALL, half_precision, store_half
from usseg_monai.weights.trust import load_trust, save_trust


def small_network() -> ResidualUNet:
    torch.manual_seed(2)
    return ResidualUNet(widths=(8, 16, 48, 64))  # kernels on both sides of the limit


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    file = tmp_path / "single" / "model.pt"
    file.parent.mkdir()
    torch.save(small_network().state_dict(), file)
    return file


def test_kernels_are_rounded_and_nothing_else_is_touched() -> None:
    state = small_network().state_dict()
    rounded = half_precision(state)
    assert list(rounded) == list(state)
    for name, value in state.items():
        if value.numel() > SMALL:
            assert rounded[name].dtype == torch.float16
            assert torch.allclose(rounded[name].float(), value, rtol=2**-11, atol=2**-25)
        else:  # small kernels, norms, biases, counts of batches
            assert rounded[name] is value
    assert {value.dtype for value in rounded.values()} == {torch.float16, torch.float32, torch.int64}


@pytest.mark.parametrize(("shape", "dtype"), [((128, 128), torch.float32), ((128, 129), torch.float16), ((128 * 129,), torch.float32)])
def test_a_kernel_is_large_from_16385_values_on(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    assert half_precision({"weight": torch.zeros(shape)})["weight"].dtype == dtype


@pytest.mark.parametrize(("weight", "fits"), [(65504.0, True), (65519.0, True), (65520.0, False), (float("nan"), False)])
def test_what_half_precision_cannot_hold_is_refused(weight: float, fits: bool) -> None:
    state = {"kernel": torch.full((128, 129), weight)}
    if fits:
        assert float(half_precision(state)["kernel"].max()) == 65504
    else:
        with pytest.raises(WeightsError, match=r"kernel has a weight of .*beyond the 65504 of half precision"):
            half_precision(state)


def test_vectors_keep_their_range() -> None:
    variance = torch.tensor([1e-9, 1e6])
    assert torch.equal(half_precision({"running_var": variance})["running_var"], variance)


def test_the_trust_goes_along(checkpoint: Path, tmp_path: Path) -> None:
    trust = Trust(features=136, components=2)
    trust.limit.fill_(0.3)
    save_trust(trust, checkpoint)
    halved = tmp_path / "half" / "model.pt"
    store_half(checkpoint, halved)
    found = load_trust(halved)
    assert found is not None and all(torch.equal(value, trust.state_dict()[name]) for name, value in found.state_dict().items())


def test_the_bytes_do_not_depend_on_the_file_s_name(checkpoint: Path, tmp_path: Path) -> None:
    save_trust(Trust(features=136, components=2), checkpoint)
    for name in ("a.pt", "b.pt"):
        store_half(checkpoint, tmp_path / name)
    assert sha256_of(tmp_path / "a.pt") == sha256_of(tmp_path / "b.pt")
    assert sha256_of(tmp_path / "a.trust") == sha256_of(tmp_path / "b.trust")


@pytest.mark.parametrize("content", [b"", b"no weights"])
def test_what_holds_no_weights_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(content)
    with pytest.raises(WeightsError, match=r"model.pt holds no weights: .*; give a checkpoint"):
        store_half(tmp_path / "model.pt", tmp_path / "half.pt")
    assert not (tmp_path / "half.pt").exists()


@pytest.mark.parametrize("loader", ["ours", "monai"])
def test_training_goes_on_in_single_precision(loader: str, checkpoint: Path, tmp_path: Path) -> None:
    store_half(checkpoint, tmp_path / "half.pt")
    network = small_network()
    with torch.no_grad():
        for value in network.parameters():
            value.zero_()
    if loader == "ours":
        load_weights(network, tmp_path / "half.pt")
    else:
        CheckpointLoader(str(tmp_path / "half.pt"), {"model": network})(Engine(lambda engine, batch: None))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert {value.dtype for value in network.parameters()} == {torch.float32}
    rounded = torch.load(tmp_path / "half.pt", weights_only=True)
    assert all(torch.equal(before[name], rounded[name].to(before[name].dtype)) for name in before)
    # A step far below float16's resolution must not be lost.
    optimizer = torch.optim.SGD(network.train().parameters(), lr=1e-6)
    output = network(torch.randn(2, 1, 32, 32))
    (output[0] if isinstance(output, (list, tuple)) else output).square().mean().backward()
    optimizer.step()
    moved = [name for name, value in network.named_parameters() if rounded[name].dtype == torch.float16 and not value.equal(before[name])]
    assert any(torch.equal(network.get_parameter(name).detach().half(), rounded[name]) for name in moved)


@pytest.mark.parametrize("task", TASKS)
def test_released_kernels_are_in_half_precision(task: str) -> None:
    state = torch.load(bundle_path(task) / "models" / "model.pt", weights_only=True)
    assert {value.dtype for value in state.values() if value.numel() > SMALL} == {torch.float16}
    assert {value.dtype for value in state.values() if value.numel() <= SMALL} == {torch.float32, torch.int64}
