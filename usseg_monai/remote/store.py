"""A store of objects, through fsspec; what goes wrong is one line without addresses of the store's own, which may hold tokens."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from usseg_monai.errors import ImageError, OutputError, UsageError, UssegError, printable

__all__ = ["Facts", "Store", "forget_stores", "store_of"]

_AT_A_TIME = 16  # questions about single objects
_WORTH_LISTING = 50  # objects of one folder that are asked for, from which on the folder is listed instead
_TAGS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "updated", "created")
_PACKAGES = {"s3": "s3fs", "gs": "gcsfs"}
_MISSING = "no such object, folder or bucket"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class Facts(NamedTuple):
    """What a store says of an object.

    Attributes:
        size: in bytes.
        tag: changes with the content: the ETag, or where a store has none the time of the last change.
    """

    size: int
    tag: str


class Store:
    """The objects of one kind of store, by address. Thread-safe; see `store_of`.

    All methods raise `ImageError` if an object that is read does not exist or may not be read, and `OutputError` if the store does not
    answer, has no credentials, or refuses a write.
    """

    def __init__(self, scheme: str) -> None:
        try:
            import fsspec  # late: few runs need it

            self._files = fsspec.filesystem(scheme, use_listings_cache=False, skip_instance_cache=scheme != "memory")
        except ImportError as error:
            extra = "gcsfs" if scheme == "gs" else "'usseg-monai[remote]'"
            raise UsageError(f"{scheme}:// needs the package {_PACKAGES.get(scheme, 'fsspec')}: pip install {extra}") from error
        self._scheme = scheme

    def facts(self, address: str) -> Facts | None:
        """Facts about an object; ``None`` for a folder."""
        with _in_words(address):
            return _facts(self._files.info(_inner(address)))

    def facts_of_many(self, addresses: Collection[str]) -> dict[str, Facts | ImageError]:
        """Facts about each object, or why there are none; few requests for many objects of one folder."""
        folders: dict[str, list[str]] = {}
        for address in addresses:
            folders.setdefault(address.rpartition("/")[0], []).append(address)
        listed: dict[str, Facts] = {}
        for folder, inside in folders.items():
            if len(inside) >= _WORTH_LISTING:
                listed |= self.list(folder, deep=False)
        single = [address for address in addresses if address not in listed]
        with ThreadPoolExecutor(_AT_A_TIME) as threads:
            asked = dict(zip(single, threads.map(self._facts_or_reason, single), strict=True))
        return {address: listed[address] if address in listed else asked[address] for address in addresses}

    def list(self, address: str, *, deep: bool = True) -> dict[str, Facts]:
        """All objects below a folder, or directly in it, by address; empty if there are none."""
        with _in_words(address):
            try:
                found = self._files.find(_inner(address), maxdepth=None if deep else 1, detail=True)
            except FileNotFoundError:
                self._files.info(_inner(address).partition("/")[0])  # raises if there is no such bucket
                return {}
            listed = ((f"{self._scheme}://{name.lstrip('/')}", _facts(facts)) for name, facts in found.items())
            return {name: facts for name, facts in listed if facts is not None and not name.endswith("/")}

    def head(self, address: str, count: int) -> bytes:
        """The first bytes of an object that is not empty."""
        with _in_words(address):
            return bytes(self._files.cat_file(_inner(address), start=0, end=count))

    def get(self, address: str, path: Path) -> None:
        """Copy an object to a local file; raises `OutputError` if the drive is full."""
        with _in_words(address, place=path.parent):
            self._files.get_file(_inner(address), str(path))

    def put(self, path: Path, address: str) -> None:
        """Copy a local file to an object, whole or not at all."""
        with _in_words(address, writing=True):
            self._files.put_file(str(path), _inner(address))

    def remove(self, address: str) -> None:
        """Remove an object; nothing happens if there is none."""
        with _in_words(address, writing=True), suppress(FileNotFoundError):
            self._files.rm_file(_inner(address))

    def _facts_or_reason(self, address: str) -> Facts | ImageError:
        try:
            return self.facts(address) or ImageError(f"{address}: a folder; name its objects")
        except ImageError as error:
            return error


def store_of(address: str) -> Store:
    """The store of an address; raises `UsageError` if its package is missing."""
    return _connect(address.partition("://")[0])


@cache
def _connect(scheme: str) -> Store:
    return Store(scheme)


def forget_stores() -> None:
    """Connect anew, with the credentials of the environment, when a store is used next."""
    _connect.cache_clear()


@contextmanager
def _in_words(address: str, *, writing: bool = False, place: Path | None = None) -> Iterator[None]:
    """Turn errors of a store into one line. Their own texts are left out: they may quote requests with their signatures."""
    try:
        yield
    except UssegError:
        raise
    except FileNotFoundError as error:
        raise (OutputError if writing else ImageError)(printable(f"{address}: {_MISSING}; check the address")) from error
    except PermissionError as error:
        advice = "access is denied; check the credentials, and what they allow"
        raise (OutputError if writing else ImageError)(printable(f"{address}: {advice}")) from error
    except Exception as error:
        if place is not None and isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise OutputError(f"{place}: no room to stage {printable(address)}; make room, or set TMPDIR to a larger folder") from error
        names = [kind.__name__ for kind in type(error).__mro__]
        if any("Credential" in name or "Token" in name for name in names):
            reason = "no valid credentials were found; set them as for the store's own tools, for example AWS_PROFILE"
        elif any(word in name for word in ("Connect", "Timeout") for name in names):
            reason = f"the store does not answer ({names[0]}); check the network, and run again with --resume"
        else:
            reason = f"the store reports {names[0]}; check the address, and run again with --resume"
        raise OutputError(printable(f"{address}: {reason}")) from error


def _inner(address: str) -> str:
    return address.partition("://")[2]


def _facts(found: dict[str, Any]) -> Facts | None:
    if found.get("type") != "file":
        return None
    tag = next((found[name] for name in _TAGS if found.get(name)), "")
    return Facts(int(found.get("size") or 0), str(tag.timestamp() if isinstance(tag, datetime) else tag))
