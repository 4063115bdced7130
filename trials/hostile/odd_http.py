"""Odd answers of any HTTP service, written on the line byte by byte: sizes, speeds, redirects."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from sandbox.request_log import Seen
from trials.hostile.quoting import quoted

Piece = bytes | float  # what is written, or how many seconds pass
Spec = tuple[Any, ...]  # a kind with its values: it can be printed, and made again
MB = 1024 * 1024
JUNK: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        10**40,
        1e308,
        float("nan"),
        float("inf"),
        "",
        " ",
        "0",
        "202",
    ),
    *(
        [],
        {},
        [[]],
        [None],
        {"": ""},
        [{}],
        "null",
        "[]",
        "success",
        "fail",
        "가" * 300,
        "\ud83d",
        "\0",
    ),
    *({"error": {"message": None}}, {"errors": [1, {"a": []}]}, "a" * 100_000, list(range(3000))),
)


def said(
    status: str = "200 OK",
    body: bytes = b"{}",
    *headers: str,
    kind: str = "application/json",
    length: str | None = None,
) -> bytes:
    """Write a whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Connection: close", *headers]
    if length != "":
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


def as_json(value: Any) -> bytes:
    """Write JSON as a careless service does: NaN, half emoji and all."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")


def deep(depth: int, kind: str = "[") -> bytes:
    """Nest lists or objects."""
    if kind == "[":
        return b"[" * depth + b"]" * depth
    return b'{"a":' * depth + b"1" + b"}" * depth


PIECE_MB = 50  # of a bomb: whoever asks for it would not wait until all of it is pressed


@cache
def bomb(megabytes: int, times: int = 1) -> bytes:
    """Press so much of nothing together, at once; twice when asked."""
    body = gzip.compress(b" " * PIECE_MB * MB) * (megabytes // PIECE_MB)
    return body if times == 1 else gzip.compress(body)


def _endless(head: bytes, piece: bytes, wait: float = 0.0) -> Iterator[Piece]:
    yield head
    while True:
        yield piece
        if wait:
            yield wait


def _trickled(text: bytes, wait: float) -> Iterator[Piece]:
    for byte in text:
        yield bytes([byte])
        yield wait
    yield from _endless(b"", b" ", wait)


LENGTHS = ("5000", "1", "-1", "abc", "1e3", "99999999999999999999", "2, 3", "0x10", "")
BROKEN = (
    b"",
    b"\r\n\r\n",
    b"HTTP/1.1 200",
    b"HTTP/9.9 abc def\r\n\r\n",
    b"ICY 200 OK\r\n\r\n{}",
    b"HTTP/1.1 99999 OK\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nNo colon here\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\n: empty\r\n folded\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nX: \xff\xfe\x00\r\n\r\n{}",
    b"\x16\x03\x01\x02\x00\x01\x00\x01",
    b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFF\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
)
HEADERS = (
    "Date: Fri, 31 Dec 9999 23:59:59 GMT",
    "Date: yesterday",
    "Date: Wed, 22 Oct 2025 00:00:00 -9999",
    "Retry-After: 1e400",
    "Retry-After: -5",
    "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT",
    "Retry-After: nan",
    "Set-Cookie: NID_AUT=; Max-Age=0",
    "Set-Cookie: a=" + "b" * 100_000,
    "Set-Cookie: =;;;=\x7f; Domain=..; Expires=never",
    "Set-Cookie: NID_SES=x; Domain=.example; Expires=Fri, 31 Dec 99999 23:59:59 GMT",
    "Content-Type: text/html; charset=none-such",
    "Content-Type: application/json; charset=utf-16",
    "Content-Disposition: attachment; filename=../../etc/passwd",
    "Location: http://127.0.0.1:9/",
    "X-Large: " + "x" * 60_000,
)
TARGETS = (
    "{trap}/a",
    "//{host}/a",
    "http://user:pw@{host}/",
    "file:///etc/passwd",
    "/",
    "",
    "http://[::1",
    "javascript:1",
    "http://" + "a" * 70_000,
)
CODES = (301, 302, 303, 307, 308, 300, 304, 305)


def pieces(spec: Spec, trap: str, last: Callable[[], Seen]) -> Callable[[], Iterator[Piece]]:
    """Turn an odd answer's description into what writes it; `last` gives the request."""
    kind, *values = spec
    if kind == "quote":
        return lambda: iter([quoted(last(), *values)])
    return lambda: WAYS[kind](trap, *values)


def _redirect(trap: str, code: int, target: str) -> Iterator[Piece]:
    where = target.replace("{trap}", trap).replace("{host}", trap.partition("//")[2])
    yield said(f"{code} Moved", b"", f"Location: {where}")


def _one(answer: Callable[..., bytes]) -> Callable[..., Iterator[Piece]]:
    return lambda trap, *values: iter([answer(*values)])


WAYS: dict[str, Callable[..., Iterator[Piece]]] = {
    "status": _one(lambda code, body: said(f"{code} X", body.encode())),
    "json": _one(lambda code, value: said(f"{code} X", as_json(value))),
    "text": _one(
        lambda code, text: said(
            f"{code} X", text.encode("utf-8", "backslashreplace"), kind="text/plain"
        )
    ),
    "bytes": _one(lambda code, body: said(f"{code} X", body)),
    "deep": _one(lambda code, depth, kind: said(f"{code} X", deep(depth, kind))),
    "header": _one(lambda code, header, body: said(f"{code} X", body.encode(), header)),
    "length": _one(lambda code, length, body: said(f"{code} X", body.encode(), length=length)),
    "broken": _one(lambda number: BROKEN[number]),
    "bomb": _one(
        lambda code, size, times: said(
            f"{code} X", bomb(size, times), f"Content-Encoding: {', '.join(['gzip'] * times)}"
        )
    ),
    "endless": lambda trap, code: _endless(said(f"{code} X", b"", length=""), b" " * 65536),
    "endless chunks": lambda trap, code: _endless(
        said(f"{code} X", b"", "Transfer-Encoding: chunked", length=""),
        b"10000\r\n" + b" " * 65536 + b"\r\n",
    ),
    "endless headers": lambda trap: _endless(
        b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"b" * 1000 + b"\r\n"
    ),
    "endless 100": lambda trap: _endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
    "slow": lambda trap, wait: _trickled(said(length="5000"), wait),
    "slow body": lambda trap, wait: _endless(said(length="5000000"), b" ", wait),
    "silence": lambda trap: iter([30.0]),
    "redirect": _redirect,
}


def size_or_speed(rng: random.Random) -> Spec:
    """Make an answer that is too large, too slow, or no HTTP."""
    code = rng.choice((200, 200, 200, 202, 404, 500))
    return rng.choice(
        (
            ("bomb", code, rng.choice((100, 300, 700)), rng.choice((1, 1, 2))),
            ("endless", code),
            ("endless chunks", code),
            ("endless headers",),
            ("endless 100",),
            ("slow", rng.choice((0.05, 0.3, 0.9))),
            ("slow body", rng.choice((0.01, 0.3, 0.9))),
            ("silence",),
            ("length", code, rng.choice(LENGTHS), rng.choice(("{}", "[]", ""))),
            ("broken", rng.randrange(len(BROKEN))),
            ("broken", rng.randrange(len(BROKEN))),
            ("header", code, rng.choice(HEADERS), rng.choice(("{}", "[]", '{"count": 1}'))),
            ("header", 429, rng.choice(HEADERS), "{}"),
            ("deep", code, rng.choice((500, 5000, 200_000)), rng.choice("[{")),
        )
    )


def redirect(rng: random.Random) -> Spec:
    """Make a redirect to somewhere."""
    return "redirect", rng.choice(CODES), rng.choice(TARGETS)


def shape(rng: random.Random, code: int, body: Any) -> Spec:
    """Spoil a place of a right JSON answer."""
    way = rng.randrange(6)
    if way == 0:
        return "json", code, rng.choice(JUNK)
    if way == 1:
        text = as_json(body).decode()
        at = rng.randrange(len(text))
        return (
            "text",
            code,
            text[:at] + rng.choice(("", "x", "[", '"', "\0", ",")) + text[at + rng.randrange(3) :],
        )
    if way == 2:
        return (
            "bytes",
            code,
            rng.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"<html>", b"")) + as_json(body),
        )
    return "json", code, spoiled(rng, body)


def spoiled(rng: random.Random, value: Any) -> Any:
    """Copy a tree with one of its places changed, left out or doubled."""
    if isinstance(value, dict) and value:
        key = rng.choice(sorted(value))
        if rng.random() < 0.2:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: spoiled(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.7:
        at = rng.randrange(len(value))
        return [*value[:at], spoiled(rng, value[at]), *value[at:]]
    return rng.choice(JUNK)
