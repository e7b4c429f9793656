"""What every network that can be trained promises."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class NetworkContract:
    """Shapes, learning, saving and scripting of a network.

    >>> from usseg_monai.networks.residual_unet import ResidualUNet
    >>> class TestResidualUNet(NetworkContract):
    ...     make = staticmethod(lambda channels, out: ResidualUNet(channels, out, widths=(4, 6, 8, 10)))

    Attributes:
        make: a small network with ``(in_channels, out_channels)``.
        channels: pairs of these that are tried.
        stride: by which rows and columns of an image must be divisible.
        levels: answers that are stacked in training mode, the finest first; 0 for one that is not stacked.
        classes: of the head besides the mask; 0 for a network without one.
    """

    make: Callable[[int, int], nn.Module]
    channels: tuple[tuple[int, int], ...] = ((1, 1), (3, 2))
    stride: int = 16
    levels: int = 0
    classes: int = 0

    def network(self, in_channels: int = 1, out_channels: int = 1) -> nn.Module:
        torch.manual_seed(0)
        return self.make(in_channels, out_channels)

    def image(self, channels: int = 1, rows: int = 2, cols: int = 3) -> Tensor:
        return torch.rand(2, channels, rows * self.stride, cols * self.stride, generator=torch.Generator().manual_seed(1))

    def test_evaluation_gives_logits_on_the_grid_of_the_input(self) -> None:
        for in_channels, out_channels in self.channels:
            network = self.network(in_channels, out_channels).eval()
            for rows, cols in ((1, 1), (2, 3)):
                image = self.image(in_channels, rows, cols)
                with torch.inference_mode():
                    heads = heads_of(network(image))
                assert heads["mask"].shape == (2, out_channels, *image.shape[2:])
                assert ("class" in heads) == bool(self.classes)
                if self.classes:
                    assert heads["class"].shape == (2, self.classes)
                assert all(head.dtype == torch.float32 and head.isfinite().all() for head in heads.values())

    def test_training_stacks_the_coarser_answers(self) -> None:
        for in_channels, out_channels in self.channels:
            image = self.image(in_channels, 2, 2)
            mask = heads_of(self.network(in_channels, out_channels).train()(image))["mask"]
            stacked = (self.levels,) if self.levels else ()
            assert mask.shape == (2, *stacked, out_channels, *image.shape[2:])

    def test_every_weight_learns(self) -> None:
        network = self.network().train()
        sum(head.square().mean() for head in heads_of(network(self.image(1, 2, 2))).values()).backward()  # type: ignore[union-attr]
        assert [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.isfinite().all()] == []

    def test_images_of_a_batch_do_not_touch_each_other(self) -> None:
        network, image = self.network().eval(), self.image()
        with torch.inference_mode():
            both, alone = heads_of(network(image)), heads_of(network(image[:1]))
        for name, head in alone.items():
            torch.testing.assert_close(both[name][:1], head, atol=1e-4, rtol=1e-4)

    def test_saved_weights_give_the_same_answers(self) -> None:
        network, image, file = self.network().eval(), self.image(), io.BytesIO()
        torch.save(network.state_dict(), file)
        file.seek(0)
        torch.manual_seed(5)
        other = self.make(1, 1).eval()
        with torch.inference_mode():
            assert any(not torch.equal(a, b) for a, b in zip(network.state_dict().values(), other.state_dict().values(), strict=True))
            other.load_state_dict(torch.load(file, weights_only=True))
            for name, head in heads_of(network(image)).items():
                assert torch.equal(heads_of(other(image))[name], head)

    def test_scripted_it_gives_the_same(self) -> None:
        network, image = self.network().eval(), self.image()
        scripted = torch.jit.script(network)
        with torch.inference_mode():
            answer: Any = scripted(image)
            for name, head in heads_of(network(image)).items():
                torch.testing.assert_close(heads_of(answer)[name], head)


def heads_of(answer: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
    """The heads of a network by name; one without a second head gives a bare tensor."""
    return answer if isinstance(answer, dict) else {"mask": answer}
