"""C-STORE: contexts, statuses, and entities that fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.uid import UID, ImplicitVRLittleEndian, RLELossless

from tests.dicom.exchange.objects import SEG, entity, small, uid, uids, unused
from tests.dicom.sources import US
from usseg_monai.dicom.exchange.address import Entity
from usseg_monai.dicom.exchange.c_store import c_store
from usseg_monai.errors import ArchiveError


def test_all_arrive_under_our_title(tmp_path: Path) -> None:
    files = [*small(tmp_path / "us", 3), *small(tmp_path / "seg", 2, SEG)]
    got = []

    def store(event: Any) -> int:
        got.append((event.assoc.requestor.ae_title, str(event.dataset.SOPInstanceUID), event.dataset.PixelData))
        return 0

    with entity(store) as other:
        assert c_store(files, other, "OURS").accepted == uids(files)
    assert got == [("OURS", name, pydicom.dcmread(file).PixelData) for name, file in zip(uids(files), files, strict=True)]


def test_nothing_is_sent_of_nothing() -> None:
    assert not c_store([], Entity("A", "127.0.0.1", unused())).accepted


def test_uncompressed_objects_go_in_the_other_s_syntax_and_compressed_ones_in_their_own(tmp_path: Path) -> None:
    (plain,) = small(tmp_path, 1)
    packed = pydicom.dcmread(plain)
    packed.compress(RLELossless, generate_instance_uid=False)
    packed.SOPInstanceUID = packed.file_meta.MediaStorageSOPInstanceUID = UID(uid("packed"))
    packed.save_as(tmp_path / "packed.dcm")
    files = [plain, tmp_path / "packed.dcm"]
    syntaxes = []

    def store(event: Any) -> int:
        syntaxes.append(event.context.transfer_syntax)
        return 0

    with entity(store, syntaxes=ImplicitVRLittleEndian) as other:
        delivery = c_store(files, other)
    assert syntaxes == [ImplicitVRLittleEndian] and delivery.accepted == uids(files)[:1]
    assert delivery.refused == {uids(files)[1]: "this kind of object, or its transfer syntax, is not accepted"}
    with entity(store, syntaxes=[RLELossless, ImplicitVRLittleEndian]) as other:
        assert c_store(files, other).accepted == uids(files)
    assert syntaxes[1:] == [ImplicitVRLittleEndian, RLELossless]


def test_each_status_is_looked_at(tmp_path: Path) -> None:
    files = small(tmp_path, 5)
    answers = iter([0x0000, 0xB000, 0xA700, 0x0111, 0xC123])
    with entity(lambda event: next(answers)) as other:
        delivery = c_store(files, other)
    names = uids(files)
    assert delivery.accepted == [names[0], names[1], names[3]]
    assert delivery.refused == {names[2]: "out of resources (A700)", names[4]: "cannot understand (C123)"}


def test_a_kind_that_is_not_accepted_is_refused_and_the_others_arrive(tmp_path: Path) -> None:
    files = [*small(tmp_path / "seg", 1, SEG), *small(tmp_path / "us", 1)]
    with entity(lambda event: 0, (US,)) as other:
        delivery = c_store(files, other)
    assert delivery.accepted == uids(files)[1:] and list(delivery.refused) == uids(files)[:1]


def test_nobody_there_a_wrong_title_and_an_entity_that_goes(tmp_path: Path) -> None:
    files = small(tmp_path, 3)
    with pytest.raises(ArchiveError, match="cannot be reached"):
        c_store(files, Entity("A", "127.0.0.1", unused()))
    with entity(lambda event: 0, require_called_aet=True) as other, pytest.raises(ArchiveError, match="must know the AE title USSEG"):
        c_store(files, Entity("WRONG", other.host, other.port))
    got = []

    def store(event: Any) -> int:
        got.append(event.request.AffectedSOPInstanceUID)
        if len(got) == 2:
            event.assoc.abort()
        return 0

    with entity(store) as other:
        with pytest.raises(ArchiveError, match=r"has gone; run the same command again.*\(1 of 3 objects had arrived"):
            c_store(files, other)
        assert c_store(files, other).accepted == uids(files)
