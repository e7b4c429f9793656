"""What a store says, and its errors in one line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.stores import Bucket
from usseg_monai.errors import ImageError, OutputError, UsageError
from usseg_monai.remote.store import Facts, Store, forget_stores, store_of


def test_facts_change_with_the_content(bucket: Bucket) -> None:
    address = bucket.put("a.png", b"1")
    store = store_of(address)
    first = store.facts(address)
    bucket.put("a.png", b"2")
    second = store.facts(address)
    assert first is not None and second is not None
    assert first.size == second.size == 1 and first.tag != second.tag
    assert store.facts(bucket.address) is None
    assert store.list(bucket.address) == {address: second}


def test_many_objects_are_asked_for_by_their_folder(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = [bucket.put(f"in/{number}.png", b"1" * number) for number in range(60)]
    other, missing = bucket.put("other/a.png", b"12"), f"{bucket.address}/in/none.png"
    store, facts = store_of(other), Store.facts
    asked: list[str] = []

    def noting(self: Store, address: str) -> Facts | None:
        asked.append(address)
        return facts(self, address)

    monkeypatch.setattr(Store, "facts", noting)
    found = store.facts_of_many([*addresses, other, missing, f"{bucket.address}/in"])
    sizes = [each.size for each in found.values() if not isinstance(each, ImageError)]
    assert sizes == [*range(60), 2] and set(asked) == {other, missing, f"{bucket.address}/in"}
    assert "no such object" in str(found[missing]) and "a folder" in str(found[f"{bucket.address}/in"])


def test_what_does_not_exist(bucket: Bucket, tmp_path: Path) -> None:
    store = store_of(bucket.address)
    for address in (f"{bucket.address}/none", "s3://no-such-bucket/none"):
        with pytest.raises(ImageError, match="no such object, folder or bucket"):
            store.facts(address)
        with pytest.raises(ImageError, match="no such object"):
            store.get(address, tmp_path / "none")
    assert store.list(f"{bucket.address}/none") == {}
    with pytest.raises(ImageError, match="no such object, folder or bucket"):
        store.list("s3://no-such-bucket/none")
    store.remove(f"{bucket.address}/none")
    (tmp_path / "a").write_bytes(b"1")
    with pytest.raises(OutputError, match="no such object, folder or bucket"):
        store.put(tmp_path / "a", "s3://no-such-bucket/a")
    assert not (tmp_path / "none").exists()


def test_no_credentials(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    forget_stores()
    with pytest.raises(OutputError, match="no valid credentials were found"):
        store_of(bucket.address).facts(bucket.address)


def test_a_store_that_does_not_answer(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    forget_stores()
    with pytest.raises(OutputError, match=r"does not answer \(EndpointConnectionError\)") as caught:
        store_of(bucket.address).facts(f"{bucket.address}/a")
    assert "127.0.0.1" not in str(caught.value)


class Failing:
    """A file system each of whose methods raises an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> object:
        def fail(*args: object, **options: object) -> None:
            raise self.error

        return fail


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (PermissionError("request SECRET"), ImageError, "access is denied"),
        (OSError("request SECRET"), OutputError, "the store reports OSError"),
        (type("ReadTimeoutError", (Exception,), {})("SECRET"), OutputError, r"does not answer \(ReadTimeoutError\)"),
        (type("RefreshToken", (Exception,), {})("SECRET"), OutputError, "no valid credentials"),
        (OSError(28, "No space left on device"), OutputError, "no room to stage"),
    ],
    ids=["denied", "other", "timeout", "token", "full"],
)
def test_errors_are_one_line_without_the_store_s_words(error: Exception, kind: type[Exception], reason: str, tmp_path: Path) -> None:
    store = Store("memory")
    store._files = Failing(error)
    with pytest.raises(kind, match=reason) as caught:
        store.get("memory://bucket/a", tmp_path / "a")
    assert "SECRET" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("scheme", "package"), [("s3", r"'usseg-monai\[remote\]'"), ("gs", "gcsfs")])
def test_a_missing_package_is_named(scheme: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(UsageError, match=f"{scheme}:// needs the package .*: pip install {package}"):
        Store(scheme)
