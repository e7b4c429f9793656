"""Dictionary forms of array transforms: the same transform for each key, drawn once for all of them where it is random, or one per key.

MONAI's habit for names is kept: `X` for arrays, `Xd` for dictionaries, with the aliases `XD` and `XDict`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import InvertibleTransform, MapTransform, RandomizableTransform, Transform

__all__ = ["DictionaryForm", "InvertibleDictionaryForm", "RandomDictionaryForm"]


class DictionaryForm(MapTransform):
    """Applies an array transform to each key.

    Args:
        keys: of the arrays.
        transform: the array form.
        allow_missing_keys: whether an item may lack a key.
    """

    def __init__(self, keys: KeysCollection, transform: Transform, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform: Any = transform

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.transform(result[key])
        return result


class InvertibleDictionaryForm(MapTransform, InvertibleTransform):
    """Applies to each key an array transform of its own that can be inverted.

    Args:
        keys: of the arrays.
        transforms: the array forms, one per key.
        allow_missing_keys: whether an item may lack a key.
    """

    def __init__(self, keys: KeysCollection, transforms: Sequence[InvertibleTransform], allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transforms: dict[Hashable, Any] = dict(zip(self.keys, transforms, strict=True))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.transforms[key](result[key])
        return result

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.transforms[key].inverse(result[key])
        return result


class RandomDictionaryForm(DictionaryForm, RandomizableTransform):
    """Applies a random array transform to each key, all with the numbers that were drawn for the first.

    With one seed, the first key gets what the array form gives.

    Args:
        keys: of the arrays.
        transform: the array form; its call takes ``randomize=False``.
        allow_missing_keys: whether an item may lack a key.
    """

    def __init__(self, keys: KeysCollection, transform: RandomizableTransform, allow_missing_keys: bool = False) -> None:
        DictionaryForm.__init__(self, keys, transform, allow_missing_keys)
        RandomizableTransform.__init__(self, transform.prob)

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> RandomDictionaryForm:
        super().set_random_state(seed, state)
        self.transform.set_random_state(state=self.R)
        return self

    def randomize(self, data: Any) -> None:
        """Draw for an item; nothing is drawn for one that has none of the keys."""
        if (first := self.first_key(data)) != ():
            self.transform.randomize(data[first], *self.references(data))

    def references(self, data: Mapping[Hashable, Any]) -> tuple[Any, ...]:
        """What else of the item the array form draws by."""
        return ()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        self.randomize(result)
        for key in self.key_iterator(result):
            result[key] = self.transform(result[key], randomize=False)
        return result
