"""Connections to DICOMweb services: credentials, bounds, and one line for each way in which a server fails.

Credentials come from the environment (``USSEG_DICOMWEB_TOKEN``, or ``USSEG_DICOMWEB_USER`` and ``USSEG_DICOMWEB_PASSWORD``) or from
``~/.netrc``, which requests reads (``NETRC`` names another file). They are in no message.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from dicomweb_client.api import DICOMwebClient

from usseg_monai.dicom.exchange.address import WebAddress
from usseg_monai.errors import ArchiveError, printable

__all__ = ["BoundedSession", "connect", "one_line_errors", "response_of", "sound_answers"]

TOKEN, USER, PASSWORD = "USSEG_DICOMWEB_TOKEN", "USSEG_DICOMWEB_USER", "USSEG_DICOMWEB_PASSWORD"
_TIMEOUT_S = 10, 120  # to connect; between two packets
_LARGEST_ANSWER = 64 << 20  # bytes of an answer that is held in memory
_MEANINGS = {
    401: f"it asks for a login: set {TOKEN}, or {USER} and {PASSWORD}, or write them to ~/.netrc",
    403: "this user may not do that: ask whoever runs the archive",
    404: "nothing is there: give the root of the DICOMweb service, such as https://HOST/dicom-web",
    413: "it does not take so much at once: raise its limit of the size of a request",
}


class BoundedSession(requests.Session):
    """A session whose answers are refused if they are larger than 64 MB, unless they are streamed."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """As `requests.Session.send`.

        Raises:
            ArchiveError: the answer is too large.
        """
        streamed = bool(options.get("stream"))
        answer = super().send(request, **options | {"stream": True})
        if not streamed and not answer._content_consumed:
            content = bytearray()
            with answer:
                for chunk in answer.iter_content(1 << 16):
                    content += chunk
                    if len(content) > _LARGEST_ANSWER:
                        raise ArchiveError(f"an answer of more than {_LARGEST_ANSWER >> 20} MB: narrow the query")
            answer._content = bytes(content)
        return answer


class _Login(requests.auth.AuthBase):
    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._text
        return request


def connect(address: WebAddress) -> tuple[DICOMwebClient, requests.Session]:
    """A client of a DICOMweb service, and its session; nothing is sent yet."""
    session = BoundedSession()
    if token := os.environ.get(TOKEN):
        session.auth = _Login(f"Bearer {token}")
    elif user := os.environ.get(USER):
        session.auth = _Login("Basic " + b64encode(f"{user}:{os.environ.get(PASSWORD, '')}".encode()).decode())
    client = DICOMwebClient(address.url, session=session, timeout=_TIMEOUT_S)
    client.set_http_retry_params(retry=False)  # it would send bodies that are used up
    client.set_chunk_size(1 << 20)
    return client, session


@contextmanager
def one_line_errors(address: WebAddress, then: str) -> Iterator[None]:
    """Turn the exceptions of a connection into an `ArchiveError`.

    Args:
        address: of the service.
        then: what to do next.
    """
    try:
        yield
    except requests.HTTPError as error:
        answer = response_of(error)
        meaning = _MEANINGS.get(answer.status_code, f"{printable(str(answer.reason))[:60]}; {then}")
        raise ArchiveError(f"{address} answers {answer.status_code}: {meaning}") from error
    except requests.exceptions.SSLError as error:
        raise ArchiveError(
            f"{address}: its certificate is not accepted; REQUESTS_CA_BUNDLE names a file of your own authorities"
        ) from error
    except requests.Timeout as error:
        raise ArchiveError(f"{address} does not answer in time; {then}") from error
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
        raise ArchiveError(f"{address} cannot be reached, or has gone; {then}") from error
    except requests.RequestException as error:
        if isinstance(error, requests.exceptions.InvalidJSONError):
            raise _no_service(address) from error
        raise ArchiveError(f"{address}: the connection failed ({type(error).__name__}); {then}") from error


@contextmanager
def sound_answers(address: WebAddress) -> Iterator[None]:
    """Turn the exceptions of what should have been DICOM JSON into an `ArchiveError`."""
    try:
        yield
    except requests.RequestException:
        raise
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _no_service(address) from error


def response_of(error: requests.HTTPError) -> requests.Response:
    """The answer that an error is about."""
    assert error.response is not None  # `raise_for_status` sets it
    return error.response


def _no_service(address: WebAddress) -> ArchiveError:
    return ArchiveError(f"{address} does not answer as a DICOMweb service; give its root, such as https://HOST/dicom-web")
