"""The forms in which a secret may turn up in a text: in URLs, JSON, reprs, HTML and base64."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, urlsplit

SHORTEST = 4  # a shorter secret would blot out half of every text
CERTAIN = 6  # a shorter form is taken for the secret only where it stands alone
_SAFE_IN_URLS = ("", "/", "!'()*", "!#$%&'()*+,/:;=?@[]~")  # Python, JavaScript, requests
_URL_PART = 12  # a shorter path of a secret URL, such as /hook, is no secret


def encoded_forms(secret: str) -> Iterator[str]:
    """List every form of a secret that is long enough to be told from other text."""
    for plain in {secret, secret.strip(), *_parts_of_url(secret)}:
        if len(plain.strip()) < SHORTEST:
            continue
        once = {plain, *_escaped(plain)}
        # JSON within JSON, a repr of JSON, JSON in a form: each escapes what the first has escaped.
        twice = {form for inner in _in_json(plain) for form in _escaped(inner)}
        yield from once | twice
        for inner in {plain, *_in_json(plain)}:
            yield from _in_base64(_bytes(inner))


def standing_alone(form: str) -> str:
    """Write a pattern that finds a short form, but not a door code within a booking number."""
    return f"{_edge(form[0], '<!')}{re.escape(form)}{_edge(form[-1], '!')}"


def _edge(sign: str, look: str) -> str:
    if not (sign.isascii() and sign.isalnum()):
        return ""
    return f"(?{look}[0-9])" if sign.isdigit() else f"(?{look}[A-Za-z])"


def _parts_of_url(secret: str) -> Iterator[str]:
    """Cut a webhook's address as error texts and debug lines do, which name host and path apart."""
    if secret.startswith(("https://", "http://")):
        try:
            parts = urlsplit(secret)
        except ValueError:
            return
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        yield from (p for p in (target, parts.path.rpartition("/")[2]) if len(p) >= _URL_PART)


def _escaped(text: str) -> Iterator[str]:
    yield from _in_json(text)
    yield from _in_urls(text)
    yield from _in_reprs(text)
    yield html.escape(text)
    yield html.escape(text, quote=False)
    yield html.escape(text).replace("&#x27;", "&#39;")


def _in_json(text: str) -> Iterator[str]:
    for ascii_only in (True, False):
        escaped = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.replace("/", "\\/")


def _in_urls(text: str) -> Iterator[str]:
    encoded = [quote(text, safe=safe, errors="surrogatepass") for safe in _SAFE_IN_URLS]
    for form in [*encoded, quote_plus(text, errors="surrogatepass")]:
        yield form
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found.group().lower(), form)


def _in_reprs(text: str) -> Iterator[str]:
    """Escape sign by sign: which quotes a repr escapes depends on the text around the secret."""
    raw = "".join(repr(bytes([byte]))[2:-1] for byte in _bytes(text))
    for body in ("".join(repr(s)[1:-1] for s in text), "".join(ascii(s)[1:-1] for s in text), raw):
        yield body
        yield body.replace("'", "\\'")
        yield body.replace('"', '\\"')


def _in_base64(secret: bytes) -> Iterator[str]:
    for offset in range(3):
        # The first and last signs also depend on the neighbours: only those between are certain.
        encoded = base64.b64encode(b"\0" * offset + secret).decode().rstrip("=")
        certain = encoded[(8 * offset + 5) // 6 : 8 * (offset + len(secret)) // 6]
        whole = encoded if not offset else certain
        for form in {certain, whole}:
            if len(form) >= CERTAIN:
                yield form
                yield form.replace("+", "-").replace("/", "_")
                yield from _in_urls(form)


def _bytes(text: str) -> bytes:
    # An environment may hold bytes that are no UTF-8; Python reads them as lone surrogates.
    return text.encode("utf-8", "surrogatepass")
