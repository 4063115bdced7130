"""One request on a connection of its own, so that a failure says whether anything was sent.

Connecting and sending are two steps: what fails in the first was never sent, what fails in the
second may have been. Nothing is repeated by itself, as a library does on a pooled connection that
was closed. No redirect is followed, and no error holds an address, for Telegram's holds the token.
Proxy variables count as they do for requests and boto3: HTTPS_PROXY, HTTP_PROXY, NO_PROXY.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection, HTTPException, IncompleteRead, InvalidURL
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy
from urllib3.util import make_headers

from naverplace.base.errors import OutcomeUnknown, Permanent, ServiceUnavailable
from naverplace.base.http import DEADLINE, LARGEST, Deadline

_NO_ADDRESS = "its address in the settings is none"


@dataclass(frozen=True)
class HttpResponse:
    """What a service answered."""

    status: int
    headers: Mapping[str, str] = field(repr=False)  # names in small letters
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object; an empty one when it is none."""
        try:
            read = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return read if isinstance(read, dict) else {}

    def json_list(self) -> list[Any] | None:
        """Read the body as a JSON list, also when it is the only list in an object; else None."""
        try:
            read = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        lists = (
            [part for part in read.values() if isinstance(part, list)]
            if isinstance(read, dict)
            else [read]
        )
        return lists[0] if len(lists) == 1 and isinstance(lists[0], list) else None

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
    deadline: float = DEADLINE

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
        address = self._address()
        proxy = self._proxy()
        connection = self._connection(address, proxy)
        with Deadline(self.deadline) as deadline:
            try:
                self._connect(connection, address, deadline)
                headers = {**headers, "Connection": "close"}
                if proxy and address.scheme == "http":  # in a tunnel the proxy sees no request
                    target = f"http://{address.netloc.rpartition('@')[2]}{target}"
                    headers |= _proxy_login(proxy)
                connection.request(method, target, body=body, headers=headers)
                response = connection.getresponse()
                content = response.read(LARGEST)
                if deadline.over or (response.length and response.status < 400):
                    raise IncompleteRead(b"")  # what refuses us refuses us, also when it breaks off
                names = {name.lower(): value for name, value in response.getheaders()}
            except InvalidURL:
                raise Permanent(f"{self.service}: {_NO_ADDRESS}") from None
            except (OSError, HTTPException) as error:
                what = f"{type(error).__name__}, {time.monotonic() - started:.1f} s"
                raise OutcomeUnknown(
                    f"{self.service}: sent, but no answer came ({what})"
                ) from error
            finally:
                connection.close()
        return HttpResponse(response.status, names, content)

    def _connect(
        self, connection: HTTPConnection, address: SplitResult, deadline: Deadline
    ) -> None:
        try:
            connection.connect()
            deadline.watch(connection.sock)
            if address.scheme == "https":
                connection.sock = _trusted().wrap_socket(
                    connection.sock,
                    server_hostname=address.hostname,
                    do_handshake_on_connect=False,
                )
                deadline.watch(connection.sock)
                connection.sock.do_handshake()
        except (OSError, UnicodeError, HTTPException) as error:
            what = type(error).__name__
            raise ServiceUnavailable(
                f"{self.service}: no connection, nothing was sent ({what})"
            ) from error
        connection.auto_open = 0  # a lost connection is never remade
        connection.sock.settimeout(self.read_timeout)

    def _address(self) -> SplitResult:
        try:
            parts = urlsplit(self.url)
            if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
                return parts
        except ValueError:
            pass
        # An empty host would mean this machine.
        raise Permanent(f"{self.service}: {_NO_ADDRESS}")

    def _proxy(self) -> SplitResult | None:
        """Find the proxy that the environment names for this address, as requests does."""
        named = select_proxy(self.url, get_environ_proxies(self.url))
        if not named:
            return None
        proxy = urlsplit(named if "://" in named else f"http://{named}")
        if proxy.scheme != "http" or not proxy.hostname:
            raise Permanent(f"{self.service}: the proxy in the environment is no http:// address")
        return proxy

    def _connection(self, address: SplitResult, proxy: SplitResult | None) -> HTTPConnection:
        """Make a connection, not connected yet; TLS comes after it, whatever the way."""
        port = address.port or (443 if address.scheme == "https" else 80)
        host = str(address.hostname)
        if proxy is None:
            connection = HTTPConnection(host, port, timeout=self.connect_timeout)
        else:
            connection = HTTPConnection(
                str(proxy.hostname), proxy.port or 80, timeout=self.connect_timeout
            )
            if address.scheme == "https":
                connection.set_tunnel(host, port, headers=_proxy_login(proxy))
        if address.scheme == "https":
            connection.default_port = 443  # which the header Host does not name
        return connection


def _proxy_login(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": make_headers(proxy_basic_auth=login)["proxy-authorization"]}


@cache
def _trusted() -> ssl.SSLContext:
    context = ssl.create_default_context()
    # Slim images come without certificates of their own.
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context
