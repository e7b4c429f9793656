"""Addresses of objects, as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from usseg_monai.errors import UsageError
from usseg_monai.remote.address import is_address, pathlike, place_of, unusable_name


def test_local_paths_stay_what_they_are() -> None:
    assert [place_of(place) for place in ("a/b.png", Path("a"), "C:/a.png", "-")] == ["a/b.png", "a", "C:/a.png", "-"]
    assert not any(is_address(place) for place in ("a/b.png", Path("s3://bucket"), "C://a.png", ""))


def test_a_file_address_is_a_local_path() -> None:
    assert place_of("file:///data/a b.png") == "/data/a b.png"


@pytest.mark.parametrize("address", ["s3://key:SECRET@bucket/in", "gs://SECRET@bucket", "s3://bucket/a.png?X-Amz-Signature=SECRET"])
def test_credentials_are_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(UsageError, match="leave it out") as caught:
        place_of(address)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "reason"), [("ftp://host/a", "not known"), ("s3://", "names no bucket"), ("s3:///a", "names no bucket")]
)
def test_other_wrong_addresses(address: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        place_of(address)


def test_an_at_sign_in_an_object_s_name_is_no_user() -> None:
    assert place_of("S3://bucket/a@b.png") == "s3://bucket/a@b.png"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("../a", "'..'"), ("a//b", "empty"), ("./a", "'.'"), ("a\0b", "zero byte"), ("l" * 241, "longer than 240"), ("ü" * 121, "longer")],
    ids=["up", "empty", "here", "zero", "long", "long-in-bytes"],
)
def test_names_that_no_file_can_have(name: str, reason: str) -> None:
    assert reason in unusable_name(f"s3://bucket/{name}")
    assert unusable_name(pathlike(f"s3://bucket/{name}")) == ""


def test_names_that_files_can_have() -> None:
    assert not any(unusable_name(f"s3://bucket/{name}") for name in ("l" * 240, "a b/ü\n.png", "..a/b..", "~", "%2e%2e"))


def test_different_unusable_names_stay_different() -> None:
    assert pathlike("s3://bucket/../a.png") != pathlike("s3://bucket/./a.png")
