"""One request on a connection of its own, so that a failure says whether anything was sent.

Connecting and sending are two steps: what fails in the first was never sent, what fails in the
second may have been. Nothing is repeated by itself, as a library does on a pooled connection that
was closed. No redirect is followed, and no error holds an address, for Telegram's holds the token.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection, InvalidURL
from typing import Any
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from naverplace.base.errors import OutcomeUnknown, Permanent, ServiceUnavailable

LARGEST = 8 * 1024 * 1024  # bytes of an answer; all services here answer a few hundred
_NO_ADDRESS = "its address in the settings is none"


@dataclass(frozen=True)
class HttpResponse:
    """What a service answered."""

    status: int
    headers: Mapping[str, str] = field(repr=False)  # names in small letters
    body: bytes = field(repr=False)
    seconds: float

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object; an empty one when it is none."""
        try:
            read = json.loads(self.body)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}

    @property
    def text(self) -> str:
        """Read the body as text."""
        return self.body.decode("utf-8", "replace").strip()


@dataclass(frozen=True)
class SingleSendClient:
    """The way to one service."""

    service: str  # as people call it, for messages
    url: str = field(repr=False)  # scheme, host, port and the path that all requests share
    connect_timeout: float
    read_timeout: float

    @property
    def path(self) -> str:
        """Name the path that all requests share."""
        return urlsplit(self.url).path.rstrip("/")

    def send(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> HttpResponse:
        """Send one request, once, and read its answer.

        Raises ServiceUnavailable when nothing was sent, OutcomeUnknown when the request may have
        arrived and no answer came.
        """
        started = time.monotonic()
        connection = self._connect()
        try:
            connection.request(
                method, target, body=body, headers={**headers, "Connection": "close"}
            )
            response = connection.getresponse()
            content = response.read(LARGEST)
            names = {name.lower(): value for name, value in response.getheaders()}
        except InvalidURL:
            raise Permanent(f"{self.service}: {_NO_ADDRESS}") from None
        except (OSError, HTTPException) as error:
            what = f"{type(error).__name__}, {time.monotonic() - started:.1f} s"
            raise OutcomeUnknown(f"{self.service}: sent, but no answer came ({what})") from error
        finally:
            connection.close()
        return HttpResponse(response.status, names, content, time.monotonic() - started)

    def _connect(self) -> HTTPConnection:
        connection = self._connection()
        connection.auto_open = 0  # a lost connection is never remade
        try:
            connection.connect()
        except (OSError, UnicodeError) as error:
            what = type(error).__name__
            raise ServiceUnavailable(
                f"{self.service}: no connection, nothing was sent ({what})"
            ) from error
        connection.sock.settimeout(self.read_timeout)
        return connection

    def _connection(self) -> HTTPConnection:
        try:
            parts = urlsplit(self.url)
            scheme, host, port = parts.scheme, parts.hostname, parts.port
        except ValueError:
            scheme, host, port = "", None, None
        if scheme not in ("http", "https") or not host:  # an empty host would mean this machine
            raise Permanent(f"{self.service}: {_NO_ADDRESS}")
        if scheme == "http":
            return HTTPConnection(host, port, timeout=self.connect_timeout)
        return HTTPSConnection(host, port, timeout=self.connect_timeout, context=_trusted())


@cache
def _trusted() -> ssl.SSLContext:
    context = ssl.create_default_context()
    # Slim images come without certificates of their own.
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context
