"""A store of objects for tests: S3 as moto's server on this machine."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
_numbers = itertools.count()


class Bucket:
    """A new, empty bucket.

    Attributes:
        address: ``s3://NAME``.
        environment: variables that another process needs to reach it.
        files: fsspec's view of the store.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        import fsspec

        self.environment = dict(environment)
        self.files: Any = fsspec.filesystem(
            "s3", skip_instance_cache=True, use_listings_cache=False, client_kwargs={"endpoint_url": environment["AWS_ENDPOINT_URL"]}
        )
        self.address = f"s3://bucket{next(_numbers)}"
        self.files.mkdir(self.address)

    def put(self, name: str, content: bytes) -> str:
        self.files.pipe_file(f"{self.address}/{name}", content)
        return f"{self.address}/{name}"

    def put_folder(self, folder: Path, name: str) -> str:
        """Upload a folder's files; returns the address."""
        for file in folder.rglob("*"):
            if file.is_file():
                self.put(f"{name}/{file.relative_to(folder).as_posix()}", file.read_bytes())
        return f"{self.address}/{name}"

    def contents(self, name: str) -> dict[str, bytes]:
        """Content of all objects below a folder, by name below it."""
        start = f"{self.address.removeprefix('s3://')}/{name}/"
        return {file.removeprefix(start): self.files.cat_file(file) for file in self.files.find(start)}


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    server = pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    serving = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    serving.start()
    yield f"http://127.0.0.1:{serving.get_host_and_port()[1]}"
    serving.stop()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bucket]:
    """A bucket, with a home without credentials of its user."""
    from usseg_monai.remote import store

    environment = ENVIRONMENT | {"AWS_ENDPOINT_URL": s3_server, "HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    store.forget_stores()
    yield Bucket(environment)
    store.forget_stores()
