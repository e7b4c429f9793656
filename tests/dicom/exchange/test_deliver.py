"""Either kind of archive gets the objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.dicom.exchange.objects import entity, small, uids, web
from usseg_monai.dicom.exchange.deliver import deliver


def test_either_kind_of_archive_gets_the_objects(tmp_path: Path) -> None:
    files = small(tmp_path, 2)
    titles: list[str] = []

    def store(event: Any) -> int:
        titles.append(event.assoc.requestor.ae_title)
        return 0

    with web() as (service, address), entity(store) as other:
        assert deliver(files, address, "OURS").accepted == deliver(files, other, "OURS").accepted == uids(files)
    assert titles == ["OURS"] * 2 and len(service.held) == 2
