"""Addresses of archives: ``https://HOST/dicom-web`` for DICOMweb, ``AET@HOST:PORT`` for DIMSE."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from usseg_monai.errors import UsageError, quoted

__all__ = ["Entity", "WebAddress", "check_aet", "parse_entity", "parse_target", "parse_url"]

_AET = re.compile(r"[!-\[\]-~](?:[ -\[\]-~]{0,14}[!-\[\]-~])?")  # PS3.5: 16 characters, no backslash; no spaces around
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")


@dataclass(frozen=True)
class Entity:
    """An application entity.

    Attributes:
        aet: its title.
        host: name or number.
        port: of TCP.
    """

    aet: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.aet}@{self.host}:{self.port}"


@dataclass(frozen=True)
class WebAddress:
    """The root of a DICOMweb service, without a user or password.

    Attributes:
        url: without a slash at the end.
    """

    url: str

    def __str__(self) -> str:
        return self.url


def parse_target(text: str) -> Entity | WebAddress:
    """The archive of an address of either kind.

    Raises:
        UsageError: it is of neither kind.

    >>> str(parse_target("PACS@10.0.0.5:104")), str(parse_target("https://pacs/dicom-web/"))
    ('PACS@10.0.0.5:104', 'https://pacs/dicom-web')
    """
    return parse_url(text) if "://" in text else parse_entity(text)


def parse_entity(text: str) -> Entity:
    """The application entity of ``AET@HOST:PORT``.

    Raises:
        UsageError: it is not of this form.
    """
    aet, at, rest = text.rpartition("@")
    host, colon, port = rest.rpartition(":")
    if not (at and colon and _HOST.fullmatch(host) and re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536):
        raise UsageError(f"address {quoted(text)}: give AET@HOST:PORT, such as PACS@192.168.1.5:104, or the URL of a DICOMweb service")
    return Entity(check_aet(aet), host.strip("[]"), int(port))


def check_aet(aet: str) -> str:
    """The title of an application entity, checked.

    Raises:
        UsageError: it has none of 1 to 16 printable ASCII characters, or a backslash.
    """
    if not _AET.fullmatch(aet):
        raise UsageError(f"AE title {quoted(aet)}: give 1 to 16 printable ASCII characters, no backslash, no space at either end")
    return aet


def parse_url(text: str) -> WebAddress:
    """The DICOMweb service of a URL.

    Raises:
        UsageError: it is not the root of a service, or holds a user or password, which the message does not repeat.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageError("the URL cannot be read: give the root of a DICOMweb service, such as https://HOST/dicom-web") from None
    if "@" in parts.netloc:
        raise UsageError(
            "the URL holds a user or a password, which other users of this machine can see: set USSEG_DICOMWEB_USER and "
            "USSEG_DICOMWEB_PASSWORD, or write them to ~/.netrc"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or parts.query or parts.fragment or not text.isprintable():
        raise UsageError("the URL is not the root of a DICOMweb service: give one such as https://HOST/dicom-web, without ? and #")
    return WebAddress(text.rstrip("/"))
