"""The node as a whole: what is accepted arrives, whatever happens between."""

from __future__ import annotations

import socket
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest

from tests.dicom.check import items
from tests.dicom.exchange.objects import SEG, SR, Web, entity, unused, web
from tests.dicom.node.sender import associate, broken, head, running, send
from tests.dicom.sources import US, source, uid
from usseg_monai.dicom.exchange.address import Entity, WebAddress
from usseg_monai.dicom.node import service, work
from usseg_monai.dicom.node.service import Node
from usseg_monai.errors import OutputError, UsageError


def reported(service: Web) -> set[str]:
    """The images that the reports in an archive are about."""
    reports = (pydicom.dcmread(BytesIO(content)) for content in service.held.values())
    return {
        str(reference.ReferencedSOPInstanceUID)
        for report in reports
        if report.SOPClassUID == SR
        for item in items(report)
        for reference in item.get("ReferencedSOPSequence", ())
        if reference.ReferencedSOPClassUID == US
    }


def test_images_come_and_objects_go(tmp_path: Path) -> None:
    pictures = [head("a"), head("b")]
    with web() as (archive, address), running(tmp_path, address) as node:
        assert send(node.port, pictures) == [0, 0]
        node.wait(lambda: bool(node.named("idle")))
        assert sorted(header.SOPClassUID for header in archive.headers()) == [SEG, SEG, SR, SR]
        assert reported(archive) == {picture.SOPInstanceUID for picture in pictures}
        assert node.named("predicted") == [{"series": uid("series", "one"), "images": 2, "objects": 4, "skipped": 0}]
        assert node.named("sent")[0]["objects"] == 4
        assert send(node.port, pictures) == [0, 0]  # again
        node.wait(lambda: len(node.named("idle")) == 2)
        assert len(archive.held) == 4  # nothing is doubled
    assert node.named("stopped") == [{"accepted": 4, "associations": 2, "contexts_refused": 0, "waiting": 0, "working": 0, "aside": 0}]
    left = [file for file in (tmp_path / "store").rglob("*") if file.is_file()]
    assert [file.name for file in left] == [".lock"]  # no name of a patient stays


def test_an_entity_gets_the_objects_under_our_title(tmp_path: Path) -> None:
    got = []

    def store(event: Any) -> int:
        got.append((event.assoc.requestor.ae_title, event.dataset.Modality))
        return 0

    with entity(store) as other, running(tmp_path, other, aet="OURS") as node:
        association = associate(node.port, (US,), "OURS")
        assert association.send_c_store(head("a")).Status == 0
        association.release()
        node.wait(lambda: bool(node.named("idle")))
    assert got == [("OURS", "SEG"), ("OURS", "SR")]


def test_a_picture_that_cannot_be_used_is_set_aside_and_the_others_go(tmp_path: Path) -> None:
    with web() as (archive, address), running(tmp_path, address) as node:
        assert send(node.port, [head("a"), broken("b")]) == [0, 0]
        node.wait(lambda: bool(node.named("idle")))
        assert reported(archive) == {head("a").SOPInstanceUID}
        assert node.named("aside")[0]["images"] == 1
        assert send(node.port, [broken("c")]) == [0]
        node.wait(lambda: len(node.named("idle")) == 2)
    names = sorted(file.name for file in (tmp_path / "store" / "failed").rglob("*.dcm"))
    assert names == sorted(f"{broken(name).SOPInstanceUID}.dcm" for name in "bc")
    reasons = [file.read_text() for file in (tmp_path / "store" / "failed").rglob("reason.txt")]
    assert len(reasons) == 2 and all("fewer" in reason or "pixel" in reason for reason in reasons)
    assert not list((tmp_path / "store" / "work").iterdir())
    with running(tmp_path, address) as node:  # they need a person, not another attempt
        assert node.named("listening")[0]["aside"] == 2 and node.named("listening")[0]["working"] == 0


def test_a_picture_of_ours_is_skipped(tmp_path: Path) -> None:
    ours = source("1.2.840.10008.5.1.4.1.1.7", "sc", ManufacturerModelName="usseg-monai")
    with web() as (archive, address), running(tmp_path, address) as node:
        assert send(node.port, [ours], ["1.2.840.10008.5.1.4.1.1.7"]) == [0]
        node.wait(lambda: bool(node.named("idle")))
    assert node.named("predicted")[0] == {"series": ours.SeriesInstanceUID, "images": 0, "objects": 0, "skipped": 1}
    assert not archive.held and not list((tmp_path / "store").rglob("*.dcm"))


def test_an_archive_that_is_away_is_tried_again_and_other_series_go_on(tmp_path: Path) -> None:
    with web() as (archive, address), running(tmp_path, address, waits_s=(0.3, 0.3, 0.3)) as node:
        archive.wrong = lambda method, path: (503, "text/plain", b"") if len(archive.requests) < 3 else None
        assert send(node.port, [head("a")]) == [0]
        node.wait(lambda: bool(node.named("sent")))
        assert [facts["seconds"] for facts in node.named("waits")] == [0.3, 0.3]
        assert "503" in node.named("waits")[0]["reason"] and len(archive.held) == 2
        assert len(node.named("predicted")) == 1  # not again


def test_after_the_last_attempt_results_are_set_aside_until_the_next_start(tmp_path: Path) -> None:
    with web() as (archive, address):
        with running(tmp_path, WebAddress(f"http://127.0.0.1:{unused()}"), waits_s=(0.0,)) as node:
            assert send(node.port, [head("a")]) == [0]
            node.wait(lambda: bool(node.named("idle")))
            assert "cannot be reached" in node.named("aside")[0]["reason"]
            assert node.named("idle")[-1]["aside"] == 1
        with running(tmp_path, address) as node:
            node.wait(lambda: bool(node.named("idle")))
            assert not node.named("predicted") and len(archive.held) == 2
        assert node.named("stopped")[0]["aside"] == 0


def test_what_an_archive_refuses_is_set_aside_with_the_reason(tmp_path: Path) -> None:
    with entity(lambda event: 0xA700, (SEG,)) as other, running(tmp_path, other, waits_s=()) as node:
        assert send(node.port, [head("a")]) == [0]
        node.wait(lambda: bool(node.named("aside")))
    assert "refuses 2 of 2 objects: out of resources (A700); this kind" in node.named("aside")[0]["reason"]


def test_images_wait_for_the_end_of_every_association_that_sends_their_series(tmp_path: Path) -> None:
    with web() as (_, address), running(tmp_path, address) as node:
        one, other = associate(node.port), associate(node.port)
        assert one.send_c_store(head("a")).Status == other.send_c_store(head("b")).Status == 0
        one.release()
        assert send(node.port, [head("c", "two")]) == [0]
        node.wait(lambda: bool(node.named("sent")))
        assert [facts["series"] for facts in node.named("predicted")] == [uid("series", "two")]
        other.abort()  # what it sent before counts
        node.wait(lambda: len(node.named("sent")) == 2)
        assert node.named("predicted")[1]["images"] == 2


def test_a_series_is_whole_after_silence(tmp_path: Path) -> None:
    with web() as (_, address), running(tmp_path, address, settle_s=3) as node:
        for name in "abc":  # one association each
            assert send(node.port, [head(name)]) == [0]
        node.wait(lambda: bool(node.named("sent")))
    assert [facts["images"] for facts in node.named("predicted")] == [3]


def test_what_waits_at_the_end_is_done_after_the_next_start(tmp_path: Path) -> None:
    with web() as (archive, address):
        with running(tmp_path, address, settle_s=60) as node:
            assert send(node.port, [head("a")]) == [0]
        assert node.named("stopped")[0]["waiting"] == 1 and not archive.held
        with running(tmp_path, address) as node:
            assert node.named("listening")[0]["waiting"] == 1
            node.wait(lambda: bool(node.named("idle")))
        assert reported(archive) == {head("a").SOPInstanceUID}


@pytest.mark.parametrize("where", ["predicting", "made", "sent"])
def test_a_job_that_was_interrupted_is_done_again(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    place = {"predicting": "Work._make", "made": "deliver"}
    with web() as (archive, address):
        with monkeypatch.context() as patch:
            if where == "sent":
                patch.setattr("usseg_monai.dicom.node.queue.Queue.finish", stop)
            else:
                patch.setattr(f"usseg_monai.dicom.node.work.{place[where]}", stop)
            with running(tmp_path, address) as node:
                assert send(node.port, [head("a")]) == [0]
                node.wait(lambda: bool(node.named("stopped")))
                assert node.named("stopped")[0]["working"] == 1
        held = dict(archive.held)
        with running(tmp_path, address) as node:
            node.wait(lambda: bool(node.named("idle")))
            assert bool(node.named("predicted")) == (where == "predicting")
        assert len(archive.held) == 2 and (where != "sent" or held == archive.held)


def test_a_bug_or_a_full_disk_in_one_job_does_not_end_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a bug")

    with web() as (_, address), running(tmp_path, address, waits_s=()) as node:
        with monkeypatch.context() as patch:
            patch.setattr("usseg_monai.dicom.node.work.Work._make", fail)
            assert send(node.port, [head("a")]) == [0]
            node.wait(lambda: bool(node.named("aside")))
            assert node.named("aside")[0]["reason"] == "ZeroDivisionError: a bug"
        assert send(node.port, [head("b", "two")]) == [0]
        node.wait(lambda: bool(node.named("sent")))
    assert [file.name for file in (tmp_path / "store" / "failed").rglob("*/in/*.dcm")] == [f"{head('a').SOPInstanceUID}.dcm"]


def test_wrong_settings_end_it_at_once(tmp_path: Path) -> None:
    target = Entity("A", "127.0.0.1", 1)
    with pytest.raises(UsageError, match="unknown task"):
        Node("fetal", tmp_path, target).serve()
    with pytest.raises(UsageError, match="AE title"):
        Node("fetal_head", tmp_path, target, aet="").serve()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="cannot be listened at"):
            Node("fetal_head", tmp_path, target, port=taken.getsockname()[1]).serve(until=lambda: True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "queue").write_text("in the way")
    with pytest.raises(OutputError, match="give another folder"):
        Node("fetal_head", tmp_path / "other", target).serve(until=lambda: True)
    with running(tmp_path, target), pytest.raises(OutputError, match="another run writes"):
        Node("fetal_head", tmp_path / "store", target).serve(until=lambda: True)
    assert service.WAITS_S == (5.0, 30.0, 120.0, 600.0)


@pytest.mark.parametrize("command", ["predict", "dicom"])
def test_a_process_that_ends_without_results_loses_no_image(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = work._usseg
    with web() as (archive, address), running(tmp_path, address, waits_s=(0.0,)) as node:
        failures = iter([("", "usseg: no room"), ("", "")])
        monkeypatch.setattr(work, "_usseg", lambda *words: next(failures, None) or real(*words) if words[0] == command else real(*words))
        assert send(node.port, [head("a")]) == [0]
        node.wait(lambda: bool(node.named("aside")))
        assert node.named("waits")[0]["reason"] == "usseg: no room" and "without a word" in node.named("aside")[0]["reason"]
        assert not archive.held
    assert len(list((tmp_path / "store" / "failed").rglob("*/in/*.dcm"))) == 1
