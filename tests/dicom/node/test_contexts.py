"""What a node accepts."""

from __future__ import annotations

import pytest
from pydicom.uid import UID

from usseg_monai.dicom.node import contexts
from usseg_monai.dicom.node.contexts import IMAGES, image_contexts, syntaxes
from usseg_monai.imaging.formats.dicom_codecs import COMPRESSED
from usseg_monai.imaging.formats.dicom_objects import object_without_picture


def test_only_images_are_accepted_by_the_names_of_the_standard() -> None:
    for sop_class, name in IMAGES.items():
        assert object_without_picture(sop_class, "") is None
        theirs = UID(sop_class).name.replace(" Storage", "").replace(" - For Presentation", ", for presentation")
        assert theirs.replace(" (Retired)", "") == name.replace(" (retired)", "")


def test_syntaxes_are_those_that_are_decoded_here(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {"1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"}
    assert plain <= set(syntaxes()) <= plain | COMPRESSED
    assert all(context.transfer_syntax == syntaxes() for context in image_contexts()) and len(image_contexts()) == len(IMAGES)

    class Missing:
        is_available = False

    monkeypatch.setattr(contexts, "get_decoder", lambda syntax: Missing)
    assert set(syntaxes()) == {*plain, "1.2.840.10008.1.2.5"}
