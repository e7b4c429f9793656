"""Fit the state of `usseg_monai.networks.trust` after a training: the look of its images, and how good its masks are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from ignite.engine import Engine, Events
from torch import Tensor, nn

from usseg_monai.errors import WeightsError
from usseg_monai.networks.probabilities import of_structure
from usseg_monai.networks.trust import DESCRIPTORS, Trust, answer_with_features, describe, pool
from usseg_monai.weights.checkpoints import load_weights, sha256_of, why_unread, write_tensors

__all__ = ["TrustHandler", "carry_trust", "fit_kinds", "fit_trust", "load_trust", "pooled_features", "refit_trust", "save_trust"]

LIKE_SHARE = 0.97
"""Share of the validation images that count as like the training images; the rest cannot be separated from out-of-distribution images."""

KIND_SHARE = 0.95
"""Share of the pictures of an unknown kind that distance alone should find."""

OWN_SHARE = 0.99
"""Share of the pictures of a network's own kind, varied ones included, that distance must not call another kind."""

_COMPONENTS = 32
_SMALLEST_DEVIATION = 0.01
"""Of a descriptor: one that is constant among validation images must not dominate elsewhere."""
_PENALTY = 1e-3
"""On the squared coefficients: validation images are few."""

FloatArray = npt.NDArray[np.float64]
Batches = Iterable[Mapping[str, Any]]


@torch.no_grad()
def fit_trust(network: nn.Module, training: Batches, validation: Batches, varied: Batches) -> Trust:
    """Fit a `Trust` on a network.

    Args:
        network: in evaluation mode, with ``encode`` and ``decode``.
        training: batches of training images as in inference, without augmentation: ``image`` ``(batch, channels, W, H)``.
        validation: likewise, of groups that the network was not trained on. Only they set the limit of likeness, and what is familiar.
        varied: validation images with ``label`` ``(batch, C, W, H)``, the structure in its last channel, under the augmentation of the
            training, which gives worse masks than the plain images; the expected Dice is learnt from them.
    """
    trust = _knowing(network, training)
    distances = [trust.distance(pooled) for pooled in pooled_features(network, validation)]
    trust.limit.fill_(float(torch.quantile(torch.cat(distances), LIKE_SHARE)))
    trust.familiar.copy_(torch.cat(distances).median() / trust.limit)
    descriptors, overlaps = _masks(network, trust, varied)
    mean, deviation = descriptors.mean(0), np.maximum(descriptors.std(0), _SMALLEST_DEVIATION)
    trust.descriptor_mean.copy_(torch.from_numpy(mean))
    trust.descriptor_deviation.copy_(torch.from_numpy(deviation))
    trust.coefficients.copy_(torch.from_numpy(fit_logistic((descriptors - mean) / deviation, overlaps)))
    return trust


@torch.no_grad()
def refit_trust(network: nn.Module, training: Batches, before: Trust) -> Trust:
    """Fit a `Trust` on a network that was trained further on the validation images too.

    Images that it was trained on no longer measure its doubt. So the limit and the confidence are kept from before, as a calibration from
    held-out images is kept where the final classifier learns from all of them
    (scikit-learn's ``CalibratedClassifierCV(ensemble=False)``).

    Args:
        network: in evaluation mode, with ``encode`` and ``decode``.
        training: as for `fit_trust`, of all images that it was trained on.
        before: fitted on the network before it was trained on the validation images.
    """
    trust = _knowing(network, training)
    for name in ("limit", "familiar", "descriptor_mean", "descriptor_deviation", "coefficients"):
        getattr(trust, name).copy_(getattr(before, name))
    return trust


@torch.no_grad()
def fit_kinds(trust: Trust, own: Tensor, others: Mapping[str, Tensor], unknown: Mapping[str, Tensor]) -> Trust:
    """The `Trust` with the limits beyond which a picture is of another kind, rather than from another source.

    The logistic function learns from all of them, each kind with the same weight. The limit of distance is for kinds that it has not
    learnt. It is the largest that still finds `KIND_SHARE` of each kind in ``unknown``, unless this is below the first limit or less than
    `OWN_SHARE` of ``own`` is within it: another machine's pictures must pass first.

    Args:
        trust: fitted on the network.
        own: pooled features ``(images, features)`` of pictures of its kind, plain and as other machines might have made them.
        others: likewise by kind, of pictures that its images may be mistaken for, such as ultrasound of another organ.
        unknown: likewise by kind, of any other pictures, such as photographs.
    """
    found = deepcopy(trust)
    passing, *finding = (found.distance(pooled) / found.limit for pooled in (own, *unknown.values()))
    within = min(float(torch.quantile(distance, 1 - KIND_SHARE)) for distance in finding)
    found.kind_limit.fill_(max(1.0, within, float(torch.quantile(passing, OWN_SHARE))))
    kinds = [own, *others.values(), *unknown.values()]
    columns = torch.cat([found.scaled(pooled) for pooled in kinds]).double().numpy()
    strange = np.repeat([0.0, *[1.0] * (len(kinds) - 1)], [len(pooled) for pooled in kinds])
    weights = np.concatenate([np.full(len(pooled), 1 / len(pooled)) for pooled in kinds])
    weights[len(own) :] /= len(kinds) - 1
    found.kinds.copy_(torch.from_numpy(fit_logistic(columns, strange, weights)))
    return found


def _knowing(network: nn.Module, training: Batches) -> Trust:
    """A `Trust` fitted to the training images, without limit and confidence."""
    known = np.concatenate([pooled.double().numpy() for pooled in pooled_features(network, training)])
    trust = Trust(known.shape[1], min(_COMPONENTS, min(known.shape) // 2))  # keep some dimensions for the residual
    center, scale, directions = principal_directions(known, trust.directions.shape[1])
    trust.center.copy_(torch.from_numpy(center))
    trust.scale.copy_(torch.from_numpy(scale))
    trust.directions.copy_(torch.from_numpy(directions))
    return trust


def carry_trust(trust: Trust, before: Tensor, after: Tensor) -> Trust:
    """The `Trust` for a network with nearly the same features, such as its graph in 8 bits.

    What the features differ by on average is added to those of the training images. The rest of the difference adds to the square of each
    distance by about the same amount, and so to that of the limit: the same images are beyond it. The expected Dice is kept: it depends
    on the mask and on distances in units of the limit.

    Args:
        trust: fitted on the network.
        before: the network's pooled features of training images, ``(images, features)``.
        after: those of the other one, of the same images.

    >>> trust, before = Trust(features=6, components=2), torch.rand(9, 6)
    >>> torch.allclose(carry_trust(trust, before, before + 3).center, torch.full((6,), 3.0))
    True
    """
    carried = deepcopy(trust)
    carried.center += (after - before).mean(0)
    added = (carried.distance(after).square() - trust.distance(before).square()).median()
    least = trust.limit.square() / 4  # a limit of 0 would make every picture unlike
    carried.limit.copy_((trust.limit.square() + added).maximum(least).sqrt())
    return carried


def principal_directions(features: FloatArray, count: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean and scale of features ``(images, features)``, and the orthonormal directions ``(features, count)`` in which the
    standardised features differ most.

    The scale is the standard deviation, so that the units of features do not matter.

    >>> rng = np.random.default_rng(0)
    >>> first = rng.normal(size=500)
    >>> _, _, directions = principal_directions(np.stack([first + 5, 100 * first, rng.normal(size=500)], axis=1), 1)
    >>> np.abs(np.round(directions.T, 1))
    array([[0.7, 0.7, 0. ]])
    """
    center = features.mean(0)
    scale = features.std(0)
    scale = scale + 1e-3 * np.median(scale) + 1e-12  # some features are nearly always 0
    _, _, directions = np.linalg.svd((features - center) / scale, full_matrices=False)
    return center, scale, directions[:count].T


def fit_logistic(descriptors: FloatArray, shares: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Coefficients, the constant last, of the logistic function of standardised descriptors ``(images, n)`` that best fits shares
    ``(images,)`` from 0 to 1 (quasi-likelihood: Papke, Wooldridge, "Econometric methods for fractional response variables", J Appl
    Econom 1996). Images count by ``weights``, all alike if ``None``.

    >>> rng = np.random.default_rng(0)
    >>> descriptors = rng.normal(size=(2000, 2))
    >>> np.round(fit_logistic(descriptors, 1 / (1 + np.exp(-descriptors @ [2, -1] - 0.5))), 1) + 0
    array([ 1.9, -1. ,  0.5])
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    columns = np.column_stack([descriptors, np.ones(len(descriptors))])
    counts = np.ones(len(columns)) if weights is None else weights
    counts = counts / counts.sum()

    def loss(coefficients: FloatArray) -> tuple[float, FloatArray]:
        logits = columns @ coefficients
        penalised = np.append(coefficients[:-1], 0)
        value = counts @ (np.logaddexp(0, logits) - shares * logits) + _PENALTY * (penalised**2).sum()
        return float(value), (counts * (expit(logits) - shares)) @ columns + 2 * _PENALTY * penalised

    found: FloatArray = minimize(loss, np.zeros(columns.shape[1]), jac=True).x
    return found


@torch.no_grad()
def pooled_features(network: Any, batches: Batches) -> Iterable[Tensor]:
    """Pooled encoder features of each batch of images, ``(batch, features)``, on the CPU."""
    device = next(network.parameters()).device
    for batch in batches:
        yield pool(network.encode(torch.as_tensor(batch["image"]).to(device))).cpu()


def _masks(network: nn.Module, trust: Trust, batches: Batches) -> tuple[FloatArray, FloatArray]:
    """Descriptors ``(images, 3)`` of the network's masks of images with a structure, and their Dice ``(images,)``."""
    device = next(network.parameters()).device
    descriptors, overlaps = [np.zeros((0, DESCRIPTORS))], [np.zeros(0)]
    for batch in batches:
        image, truth = torch.as_tensor(batch["image"]).to(device), torch.as_tensor(batch["label"])[:, -1:] >= 0.5
        features, heads = answer_with_features(network, image)
        probability = of_structure(heads["mask"]).cpu()
        unlikeness = trust.distance(pool(features).cpu()) / trust.limit
        described = describe(probability, unlikeness)
        mask = probability >= 0.5
        overlap = 2 * (mask & truth).flatten(1).sum(1) / (mask.flatten(1).sum(1) + truth.flatten(1).sum(1))
        drawn = truth.flatten(1).any(1)
        descriptors.append(described[drawn].double().numpy())
        overlaps.append(overlap[drawn].double().numpy())
    return np.concatenate(descriptors), np.concatenate(overlaps)


def trust_file(checkpoint: str | Path) -> Path:
    """Path of the trust file of a weights file, beside it.

    >>> trust_file("models/model.pt").as_posix()
    'models/model.trust'
    """
    return Path(checkpoint).with_name(f"{Path(checkpoint).stem}.trust")  # not .pt: tools that list weights would offer it


def save_trust(trust: Trust, checkpoint: str | Path) -> None:
    """Write `trust_file`, with the fingerprint of the weights it was fitted on.

    Raises:
        OutputError: it cannot be written.
    """
    write_tensors({"checkpoint_sha256": sha256_of(checkpoint), "trust": trust.state_dict()}, trust_file(checkpoint))


def load_trust(checkpoint: str | Path) -> Trust | None:
    """The trust of a weights file; ``None`` if none was fitted or there are no weights.

    Raises:
        WeightsError: the trust file is damaged, or was fitted on other weights.

    >>> load_trust("no such folder/model.pt") is None
    True
    """
    file = trust_file(checkpoint)
    if not (file.is_file() and Path(checkpoint).is_file()):
        return None
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        trust = Trust(*state["trust"]["directions"].shape)
        trust.load_state_dict(trust.state_dict() | state["trust"])  # of earlier releases, which knew one limit
        fitted_on = state["checkpoint_sha256"]
    except Exception as error:  # unpickling damaged bytes raises almost any exception
        raise WeightsError(f"{file} is damaged: {why_unread(error)}; remove it to go without confidence, or train again") from error
    if fitted_on != sha256_of(checkpoint):
        raise WeightsError(f"{file} was fitted on other weights than {checkpoint}: remove it to go without confidence, or train again")
    return trust.eval()


class TrustHandler:
    """Fits the trust of the best weights when training is over, and writes it beside them. Attach it to the trainer after other handlers
    that write the weights (`usseg_monai.training.calibration`).

    Args:
        network: that the weights fit, on its device.
        checkpoint: file of the best weights.
        training: as for `fit_trust`.
        validation: as for `fit_trust`.
        varied: as for `fit_trust`.
        before: initial weights of a training that includes the validation images; the limit and confidence of their trust are kept
            (`refit_trust`).

    Raises:
        WeightsError: ``before`` has no trust.
    """

    def __init__(
        self, network: nn.Module, checkpoint: str, training: Batches, validation: Batches, varied: Batches, before: str | None = None
    ) -> None:
        self.network, self.checkpoint = network, Path(checkpoint)
        self.training, self.validation, self.varied = training, validation, varied
        self.before = None if before is None else load_trust(before)
        if before is not None and self.before is None:
            raise WeightsError(
                f"no {trust_file(before)}: validation images that teach need weights of a training that was validated on them"
            )

    def attach(self, engine: Engine) -> None:
        """Register on the trainer's events."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._drop_earlier)
        engine.add_event_handler(Events.COMPLETED, self.fit)

    def _drop_earlier(self) -> None:
        """Remove a trust fitted on earlier weights: until the end of the training, the new ones are used without confidence."""
        try:
            load_trust(self.checkpoint)
        except WeightsError:
            trust_file(self.checkpoint).unlink()

    def fit(self) -> None:
        """Fit and write the trust; does nothing without a validation, or for networks without ``encode``."""
        if not self.checkpoint.is_file() or not hasattr(self.network, "encode"):
            return
        network = load_weights(deepcopy(self.network), self.checkpoint).eval()
        trust = (
            fit_trust(network, self.training, self.validation, self.varied)
            if self.before is None
            else refit_trust(network, self.training, self.before)
        )
        save_trust(trust, self.checkpoint)
