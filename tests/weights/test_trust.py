"""Tests of usseg_monai.weights.trust."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from ignite.engine import Engine, Events
from torch import Tensor, nn

from usseg_monai.errors import WeightsError
from usseg_monai.networks.residual_unet import ResidualUNet
from usseg_monai.networks.trust import Trust, answer_with_trust
from usseg_monai.weights.trust import (
    KIND_SHARE,
    LIKE_SHARE,
    OWN_SHARE,
    TrustHandler,
    carry_trust,
    fit_kinds,
    fit_logistic,
    fit_trust,
    load_trust,
    refit_trust,
    save_trust,
    trust_file,
)

Batch = dict[str, Tensor]


def blobs(count: int, seed: int, contrast: float = 3.0) -> list[Batch]:
    """Bright discs in noise, in batches of 10; the dimmer, the worse a threshold finds them."""
    generator = torch.Generator().manual_seed(seed)
    rows, cols = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    batches = []
    for _ in range(count // 10):
        row, col, radius = (torch.randint(low, high, (10, 1, 1, 1), generator=generator) for low, high in ((10, 22), (10, 22), (4, 9)))
        label = ((rows - row) ** 2 + (cols - col) ** 2 <= radius**2).float()
        strength = contrast * torch.rand(10, 1, 1, 1, generator=generator)
        batches.append({"image": strength * label + torch.randn(10, 1, 32, 32, generator=generator), "label": label})
    return batches


class Smooth(nn.Module):
    """A network whose mask is where the smoothed image is bright, and whose features are its moments."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(4.0))

    def encode(self, x: Tensor) -> list[Tensor]:
        smooth = nn.functional.avg_pool2d(x, 5, 1, 2)
        return [x, torch.cat([x, x**2], 1), torch.cat([smooth, smooth**2, smooth**3], 1)]

    def decode(self, features: list[Tensor], size: list[int]) -> Tensor:
        return self.gain * (features[-1][:, :1] - 0.8)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x), list(x.shape[2:]))


@pytest.fixture(scope="module")
def fitted() -> Trust:
    return fit_trust(Smooth(), blobs(300, 1), blobs(200, 2), blobs(400, 3))


def judged(trust: Trust, batches: list[Batch]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unlikeness, confidence and true Dice of images."""
    network, said, overlaps = Smooth(), [], []
    with torch.inference_mode():
        for batch in batches:
            answer = answer_with_trust(network, trust, batch["image"])
            said.append(answer["trust"])
            mask, truth = answer["mask"] >= 0, batch["label"] >= 0.5
            both, total = ((mask & truth).sum((1, 2, 3)), mask.sum((1, 2, 3)) + truth.sum((1, 2, 3)))
            overlaps.append(2 * both / total)
    unlikeness, _, confidence = torch.cat(said).numpy().T
    return unlikeness, confidence, torch.cat(overlaps).numpy()


def test_the_limit_leaves_out_the_odd_validation_image(fitted: Trust) -> None:
    unlikeness, _, _ = judged(fitted, blobs(200, 2))
    assert (unlikeness <= 1).mean() == pytest.approx(LIKE_SHARE, abs=0.005)


def test_half_of_the_validation_images_are_familiar(fitted: Trust) -> None:
    _, distance, _ = torch.cat([answer_with_trust(Smooth(), fitted, batch["image"])["trust"] for batch in blobs(200, 2)]).T
    assert float((distance <= fitted.familiar).float().mean()) == pytest.approx(0.5, abs=0.01)


def test_tells_strangers_apart(fitted: Trust) -> None:
    own, _, _ = judged(fitted, blobs(200, 4))
    assert (own > 1).mean() < 0.06
    for strange in (torch.ones(10, 1, 32, 32), 5 * torch.randn(10, 1, 32, 32), torch.eye(32).expand(10, 1, 32, 32) * 20):
        unlikeness, _, _ = judged(fitted, [{"image": strange, "label": torch.zeros(10, 1, 32, 32)}])
        assert (unlikeness > 1).all()


def test_confidence_expects_the_dice_of_other_images(fitted: Trust) -> None:
    _, confidence, overlap = judged(fitted, blobs(400, 5))
    assert confidence.mean() == pytest.approx(overlap.mean(), abs=0.04)
    assert np.corrcoef(confidence, overlap)[0, 1] > 0.6
    low = np.argsort(confidence)[:40]
    assert (overlap[low] < 0.5).mean() > 2 * (overlap < 0.5).mean()


@pytest.mark.parametrize(("closer", "limit"), [(0.5, 0.5), (0.9, 0.5), (0.3, 0.7)])
def test_a_limit_that_is_carried_over_is_at_least_half_of_it(closer: float, limit: float) -> None:
    """Features that lie closer to the training images by a share of their distance, which is the limit before."""
    trust = Trust(4, 1)
    before = torch.tensor([[1.0, -1, 1, -1], [-1, 1, -1, 1]])
    carried = carry_trust(trust, before, (1 - closer) * before)
    assert float(trust.limit) == 1
    assert float(carried.limit) == pytest.approx(limit)


def kind(first: float, spread: float, count: int = 400) -> Tensor:
    """Features of pictures whose first differs from those of the training by some deviations, in a direction that these know."""
    pooled = spread * torch.randn(count, 8, generator=torch.Generator().manual_seed(int(10 * first + 7)))
    pooled[:, 0] += first
    return pooled


@pytest.fixture(scope="module")
def knowing() -> Trust:
    trust = Trust(8, 1)
    trust.directions[0, 0] = 1
    trust.limit.fill_(1.6)
    return trust


def test_kinds_that_distance_cannot_tell_are_learnt(knowing: Trust) -> None:
    own, other = kind(0, 1), kind(5, 1)
    assert float((knowing.unlikeness(other) > 1).float().mean()) < 0.3
    found = fit_kinds(knowing, own, {"other": other}, {"noise": kind(9, 1)})
    assert float((found.unlikeness(kind(5, 1, 300)) > 1).float().mean()) > 0.9
    assert float((found.unlikeness(kind(0, 1, 300)) > 1).float().mean()) < 0.1
    assert torch.equal(found.limit, knowing.limit) and float(knowing.kind_limit) == 1  # the first limit is kept, and the trust given


def test_the_second_limit_finds_the_share_of_each_unknown_kind(knowing: Trust) -> None:
    near, far = kind(0, 5), kind(0, 30)
    found = fit_kinds(knowing, kind(0, 1), {}, {"near": near, "far": far})
    beyond = [float((found.distance(each) > found.limit * found.kind_limit).float().mean()) for each in (near, far)]
    assert beyond == [pytest.approx(KIND_SHARE, abs=0.005), 1.0]


def test_the_second_limit_is_not_below_the_first(knowing: Trust) -> None:
    assert float(fit_kinds(knowing, kind(0, 0.5), {}, {"alike": kind(1, 0.5)}).kind_limit) == 1


def test_the_second_limit_lets_pictures_of_the_own_kind_pass_first(knowing: Trust) -> None:
    """Even where this finds few of an unknown kind."""
    own, alike = kind(0, 4), kind(1, 4)
    found = fit_kinds(knowing, own, {}, {"alike": alike})
    within = [float((found.distance(each) <= found.limit * found.kind_limit).float().mean()) for each in (own, alike)]
    assert within == [pytest.approx(OWN_SHARE, abs=0.004), pytest.approx(OWN_SHARE, abs=0.02)]


def test_a_trust_of_an_earlier_release_has_one_limit(fitted: Trust, checkpoint: Path) -> None:
    save_trust(fitted, checkpoint)
    state = torch.load(trust_file(checkpoint), weights_only=True)
    for name in ("kind_limit", "kinds", "familiar"):
        del state["trust"][name]
    torch.save(state, trust_file(checkpoint))
    again = load_trust(checkpoint)
    assert again is not None and float(again.kind_limit) == 1 and float(again.familiarity(torch.tensor([9.0]))) == 1
    assert float(again.other_kind(torch.rand(5, len(again.center))).max()) < 1e-6


def test_few_training_images_are_no_obstacle() -> None:
    trust = fit_trust(ResidualUNet(widths=(4, 6, 8)).eval(), blobs(10, 1), blobs(10, 2), blobs(10, 3))
    assert trust.directions.shape == (18, 5)
    assert all(torch.isfinite(value).all() for value in trust.state_dict().values())


def test_logistic_function_of_shares_is_found_again() -> None:
    rng = np.random.default_rng(1)
    descriptors = rng.normal(size=(3000, 3))
    truth = np.array([1.0, -0.5, 0.0, 0.8])
    shares = 1 / (1 + np.exp(-(descriptors @ truth[:-1] + truth[-1])))
    noisy = np.clip(shares + rng.normal(scale=0.05, size=3000), 0, 1)
    assert fit_logistic(descriptors, noisy) == pytest.approx(truth, abs=0.05)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    file = tmp_path / "model.pt"
    torch.save(Smooth().state_dict(), file)
    return file


def test_is_kept_beside_the_weights(fitted: Trust, checkpoint: Path) -> None:
    assert load_trust(checkpoint) is None
    save_trust(fitted, checkpoint)
    again = load_trust(checkpoint)
    assert again is not None
    assert all(torch.equal(again.state_dict()[name], value) for name, value in fitted.state_dict().items())


def test_is_not_taken_for_other_weights(fitted: Trust, checkpoint: Path) -> None:
    save_trust(fitted, checkpoint)
    torch.save({"gain": torch.tensor(1.0)}, checkpoint)
    with pytest.raises(WeightsError, match="fitted on other weights"):
        load_trust(checkpoint)


@pytest.mark.parametrize("content", [b"", b"no torch file"])
def test_damaged_files_are_refused(content: bytes, checkpoint: Path) -> None:
    trust_file(checkpoint).write_bytes(content)
    with pytest.raises(WeightsError, match="damaged"):
        load_trust(checkpoint)


def test_the_handler_fits_the_best_weights(checkpoint: Path) -> None:
    network = Smooth()
    torch.nn.init.constant_(network.gain, 7.0)  # the last epoch's
    engine = Engine(lambda *_: None)
    TrustHandler(network, str(checkpoint), blobs(40, 1), blobs(20, 2), blobs(40, 3)).attach(engine)
    engine.run([0])
    expected = fit_trust(Smooth(), blobs(40, 1), blobs(20, 2), blobs(40, 3))
    written = load_trust(checkpoint)
    assert written is not None
    assert torch.allclose(written.coefficients, expected.coefficients)
    assert float(network.gain) == 7.0


def test_images_that_became_training_images_say_nothing_of_doubt(fitted: Trust) -> None:
    again = refit_trust(Smooth(), blobs(300, 1) + blobs(200, 2), fitted)
    likeness, doubt = ("center", "scale", "directions"), ("limit", "descriptor_mean", "descriptor_deviation", "coefficients")
    assert all(torch.equal(getattr(again, name), getattr(fitted, name)) for name in doubt)
    assert not any(torch.equal(getattr(again, name), getattr(fitted, name)) for name in likeness)
    expected = fit_trust(Smooth(), blobs(300, 1) + blobs(200, 2), blobs(200, 2), blobs(400, 3))
    assert all(torch.equal(getattr(again, name), getattr(expected, name)) for name in likeness)


def test_the_handler_keeps_the_doubt_of_before(fitted: Trust, checkpoint: Path, tmp_path: Path) -> None:
    before = tmp_path / "before.pt"
    torch.save(Smooth().state_dict(), before)
    save_trust(fitted, before)
    TrustHandler(Smooth(), str(checkpoint), blobs(40, 1), [], [], before=str(before)).fit()
    written = load_trust(checkpoint)
    assert written is not None
    assert torch.equal(written.limit, fitted.limit)
    assert not torch.equal(written.center, fitted.center)


def test_the_handler_refuses_weights_of_whose_doubt_nothing_is_known(checkpoint: Path) -> None:
    with pytest.raises(WeightsError, match=r"no .*model\.trust: validation images that teach need weights of a training"):
        TrustHandler(Smooth(), str(checkpoint), [], [], [], before=str(checkpoint))


def test_the_handler_has_nothing_to_fit_without_validation(tmp_path: Path) -> None:
    TrustHandler(Smooth(), str(tmp_path / "model.pt"), [], [], []).fit()
    assert not list(tmp_path.iterdir())


def test_what_was_fitted_on_earlier_weights_is_removed_while_a_training_runs(fitted: Trust, checkpoint: Path) -> None:
    """The best weights of an epoch are usable at once, without confidence; the file beside them is of those before."""
    save_trust(fitted, checkpoint)
    trainer = Engine(lambda engine, batch: None)
    TrustHandler(Smooth(), str(checkpoint), [], [], []).attach(trainer)
    trainer.fire_event(Events.EPOCH_COMPLETED)
    assert load_trust(checkpoint) is not None
    checkpoint.write_bytes(checkpoint.read_bytes() + b"more")
    trainer.fire_event(Events.EPOCH_COMPLETED)
    assert load_trust(checkpoint) is None


def test_there_is_no_trust_without_weights(fitted: Trust, checkpoint: Path) -> None:
    save_trust(fitted, checkpoint)
    checkpoint.unlink()
    assert load_trust(checkpoint) is None
