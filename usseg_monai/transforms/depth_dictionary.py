"""Dictionary forms of `usseg_monai.transforms.depth`."""

from __future__ import annotations

from collections.abc import Sequence

from monai.config import KeysCollection

from usseg_monai.geometry.sector import Sector
from usseg_monai.transforms.depth import AcousticShadow, GainCompensation, RandAcousticShadow, RandDepthSpeckle, RandGainCompensation
from usseg_monai.transforms.dictionary import DictionaryForm, RandomDictionaryForm

__all__ = [
    "AcousticShadowD",
    "AcousticShadowDict",
    "AcousticShadowd",
    "GainCompensationD",
    "GainCompensationDict",
    "GainCompensationd",
    "RandAcousticShadowD",
    "RandAcousticShadowDict",
    "RandAcousticShadowd",
    "RandDepthSpeckleD",
    "RandDepthSpeckleDict",
    "RandDepthSpeckled",
    "RandGainCompensationD",
    "RandGainCompensationDict",
    "RandGainCompensationd",
]


class GainCompensationd(DictionaryForm):
    """Dictionary form of `GainCompensation`.

    Args:
        keys: of the images.
        gains_db: this and the others as for `GainCompensation`.
        allow_missing_keys: whether an item may lack an image.
    """

    backend = GainCompensation.backend

    def __init__(
        self,
        keys: KeysCollection,
        gains_db: Sequence[float],
        sector: Sector | None = None,
        dynamic_range_db: float = 60.0,
        white: float = 255.0,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, GainCompensation(gains_db, sector, dynamic_range_db, white), allow_missing_keys)


class RandGainCompensationd(RandomDictionaryForm):
    """Dictionary form of `RandGainCompensation`.

    Args:
        keys: of the images.
        strength_db: this and the others as for `RandGainCompensation`.
        allow_missing_keys: whether an item may lack an image.
    """

    backend = RandGainCompensation.backend

    def __init__(
        self,
        keys: KeysCollection,
        strength_db: float = 6.0,
        sliders: int = 8,
        sector: Sector | None = None,
        prob: float = 0.3,
        dynamic_range_db: float = 60.0,
        white: float = 255.0,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, RandGainCompensation(strength_db, sliders, sector, prob, dynamic_range_db, white), allow_missing_keys)


class AcousticShadowd(DictionaryForm):
    """Dictionary form of `AcousticShadow`.

    Args:
        keys: of the images.
        centre: this and the others as for `AcousticShadow`.
        allow_missing_keys: whether an item may lack an image.
    """

    backend = AcousticShadow.backend

    def __init__(
        self,
        keys: KeysCollection,
        centre: float,
        width: float,
        depth: float,
        loss_db: float,
        sector: Sector | None = None,
        dynamic_range_db: float = 60.0,
        white: float = 255.0,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, AcousticShadow(centre, width, depth, loss_db, sector, dynamic_range_db, white), allow_missing_keys)


class RandAcousticShadowd(RandomDictionaryForm):
    """Dictionary form of `RandAcousticShadow`.

    Args:
        keys: of the images.
        loss_db: this and the others as for `RandAcousticShadow`.
        allow_missing_keys: whether an item may lack an image.
    """

    backend = RandAcousticShadow.backend

    def __init__(
        self,
        keys: KeysCollection,
        loss_db: tuple[float, float] = (10.0, 40.0),
        width: tuple[float, float] = (0.03, 0.15),
        sector: Sector | None = None,
        prob: float = 0.2,
        dynamic_range_db: float = 60.0,
        white: float = 255.0,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, RandAcousticShadow(loss_db, width, sector, prob, dynamic_range_db, white), allow_missing_keys)


class RandDepthSpeckled(RandomDictionaryForm):
    """Dictionary form of `RandDepthSpeckle`.

    Args:
        keys: of the images.
        strength: this and the others as for `RandDepthSpeckle`.
        allow_missing_keys: whether an item may lack an image.
    """

    backend = RandDepthSpeckle.backend

    def __init__(
        self,
        keys: KeysCollection,
        strength: float = 0.5,
        axial: float = 1.0,
        lateral: float = 1.5,
        focal_range: float = 0.3,
        sector: Sector | None = None,
        prob: float = 0.3,
        dynamic_range_db: float = 60.0,
        white: float = 255.0,
        allow_missing_keys: bool = False,
    ) -> None:
        speckle = RandDepthSpeckle(strength, axial, lateral, focal_range, sector, prob, dynamic_range_db, white)
        super().__init__(keys, speckle, allow_missing_keys)


GainCompensationD = GainCompensationDict = GainCompensationd
RandGainCompensationD = RandGainCompensationDict = RandGainCompensationd
AcousticShadowD = AcousticShadowDict = AcousticShadowd
RandAcousticShadowD = RandAcousticShadowDict = RandAcousticShadowd
RandDepthSpeckleD = RandDepthSpeckleDict = RandDepthSpeckled
