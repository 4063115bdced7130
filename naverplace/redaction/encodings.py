"""The forms in which a secret may turn up in a text: in URLs, JSON, reprs, HTML and base64."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, quote_plus, urlsplit

SHORTEST = 4  # a shorter secret would blot out half of every text
CERTAIN = 6  # a shorter form is taken for the secret only where it stands alone
CERTAIN_DIGITS = 12  # the same, of digits
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
            yield from _in_hex(_bytes(inner))


def is_certain(form: str) -> bool:
    """Tell whether a form is a secret wherever it stands; digits are a part of many ids."""
    return len(form) >= (CERTAIN_DIGITS if form.isdigit() else CERTAIN)


def standing_alone(form: str) -> re.Pattern[str]:
    """Make a pattern that finds an uncertain form, but not a door code within a booking number.

    It finds dates, times and ids as well, as group 1, so that what is in them is passed over.
    """
    before, after = _edge(form[0], "<!"), _edge(form[-1], "!")
    if form[0].isdigit() and before:
        before = f"(?:{before}|{_AFTER_ESCAPE})"
    return re.compile(f"({_OURS})|{before}{re.escape(form)}{after}", re.VERBOSE)


def _edge(sign: str, look: str) -> str:
    if not (sign.isascii() and sign.isalnum()):
        return ""
    return f"(?{look}[0-9])" if sign.isdigit() else f"(?{look}[A-Za-z])"


# The digits of an escape are none of the text's: %20, \u00a0, \x20.
_AFTER_ESCAPE = r"(?<=%[0-9A-Fa-f]{2}) | (?<=\\u[0-9A-Fa-f]{4}) | (?<=\\x[0-9A-Fa-f]{2})"
# What we write of times, ids and counts; a year in a date is no door code.
_OURS = r"""
    [0-9A-Fa-f]{8} (?:-[0-9A-Fa-f]{4}){3} -[0-9A-Fa-f]{12} (?![0-9A-Za-z])
  | (?<![0-9]) (?:
        [0-9]{4}-[01][0-9]-[0-3][0-9]
          (?: [T\ ] [0-2][0-9][:.][0-5][0-9] (?: [:.][0-5][0-9] (?:[.,][0-9]+)? )? )?
          (?: Z | [+-][01][0-9]:?[0-5][0-9] )?
      | [0-9]{8}T[0-9]{6}Z?
      | [01][0-9]/[0-3][0-9]\ [0-2][0-9]:[0-5][0-9]
      | [0-9]{1,2}\ [A-Z][a-z]{2}\ [0-9]{4}
      | [0-9]{5,}_[0-9]+
    ) (?![0-9])
  | datetime\.date(?:time)?\([0-9,\ ]+
  | (?<![0-9.]) [0-9]+ (?:
        [건곳초] (?![가-힣])
      | \ (?:messages?|bookings?|effects?|stores?|writes?|calls?|ms|MB) \b
    )
"""


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


def _in_hex(secret: bytes) -> Iterator[str]:
    for digits in (secret.hex(), secret.hex(":"), secret.hex(" ")):
        if len(secret) >= CERTAIN:
            yield digits
            yield digits.upper()


def _bytes(text: str) -> bytes:
    # An environment may hold bytes that are no UTF-8; Python reads them as lone surrogates.
    return text.encode("utf-8", "surrogatepass")


class View(NamedTuple):
    """A text in a plainer form; `spans` tells which piece of the first text each sign came from."""

    text: str
    spans: list[tuple[int, int]]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Give the piece of the first text that the signs from `start` to `end` came from."""
        return self.spans[start][0], self.spans[end - 1][1]


def plainer_views(text: str) -> Iterator[View]:
    """Undo one layer of escapes after the other, so that a secret in any mixture of them is found.

    Yields nothing for a text that is as plain as it can be.
    """
    view = View(text, [])
    if fold(text) != text:
        view = _folded(View(text, [(at, at + 1) for at in range(len(text))]))
        yield view
    for _ in range(_LAYERS):
        if not _ESCAPE.search(view.text):
            return
        spans = view.spans or [(at, at + 1) for at in range(len(view.text))]
        view = _folded(_unescaped(View(view.text, spans)))
        yield view


def without_blanks(view: View) -> View:
    """Leave out every blank, as where a long word was broken up."""
    kept = [(sign, span) for sign, span in zip(view.text, view.spans, strict=True) if sign > " "]
    return View("".join(sign for sign, _ in kept), [span for _, span in kept])


def decoded_runs(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Read every run of base64 or hex that holds a text in ASCII."""
    for found in _RUN.finditer(text):
        for decode in (_from_hex, _from_base64):
            plain = decode(found.group())
            if plain and plain.isascii() and plain.isprintable():
                yield found, plain
                break


_LAYERS = 4  # JSON within JSON within a URL, and one more
_RUN = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_ESCAPE = re.compile(
    r"""(?P<bytes>(?:[%=][0-9A-Fa-f]{2}|\\x[0-9A-Fa-f]{2}|\\[0-3][0-7]{2})+)
  | (?P<units>(?:\\u[0-9A-Fa-f]{4})+) | \\u\{(?P<braced>[0-9A-Fa-f]{1,6})\}
  | \\U(?P<long>[0-9A-Fa-f]{8}) | (?P<entity>&\#?[0-9A-Za-z]{1,31};) | \\(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_BYTE = re.compile(r"[%=]([0-9A-Fa-f]{2})|\\x([0-9A-Fa-f]{2})|\\([0-3][0-7]{2})")
_BLANKS = dict.fromkeys("nrtbfv", " ")
# Letters of other scripts that look like ours; NFKC keeps them apart.
_LOOK_ALIKES = str.maketrans(
    "АВЕКМНОРСТУХаеорсухіјѕԁһԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανι‐‑‒–—―−﹣－˗∶꞉ː‚․⁄∕⧸",
    "ABEKMHOPCTYXaeopcyxijsdhqwABEZHIKMNOPTYXoavi----------:::,.///",
)


def _unescaped(view: View) -> View:
    text, spans, last = [], [], 0
    for found in _ESCAPE.finditer(view.text):
        text.append(view.text[last : found.start()])
        spans += view.spans[last : found.start()]
        plain = _plain(found)
        text.append(plain)
        spans += [view.place(*found.span())] * len(plain)
        last = found.end()
    text.append(view.text[last:])
    return View("".join(text), spans + view.spans[last:])


def _plain(found: re.Match[str]) -> str:
    if found["bytes"]:
        pieces = _BYTE.findall(found["bytes"])
        raw = bytes(int(a or b, 16) if a or b else int(c, 8) for a, b, c in pieces)
        return raw.decode("utf-8", "replace")
    if found["units"]:
        units = bytes.fromhex(found["units"].replace("\\u", ""))
        return units.decode("utf-16-be", "replace")
    if code := found["braced"] or found["long"]:
        return chr(int(code, 16)) if int(code, 16) <= 0x10FFFF else " "
    if found["entity"]:
        plain = html.unescape(found["entity"])
        return "" if plain == found["entity"] else plain
    return _BLANKS.get(found["sign"], found["sign"])


def _folded(view: View) -> View:
    text, spans = [], []
    for sign, span in zip(view.text, view.spans, strict=True):
        plain = _plain_sign(sign)
        text.append(plain)
        spans += [span] * len(plain)
    return View("".join(text), spans)


@lru_cache(maxsize=4096)
def _plain_sign(sign: str) -> str:
    """Write a sign as the plain one that a reader takes it for; one that nobody sees goes."""
    if sign.isascii():
        return sign
    category = unicodedata.category(sign)
    if category in ("Cf", "Cc", "Mn", "Me") or sign in _UNSEEN:
        return ""
    if category == "Nd":
        return str(unicodedata.digit(sign))
    plain = unicodedata.normalize("NFKC", sign).translate(_LOOK_ALIKES)
    return " " if plain.isspace() else plain


_NOT_PLAIN = re.compile(r"[^\x00-\x7f가-힣]")
_UNSEEN = "\u115f\u1160\u3164\uffa0\u2800"  # blanks that Unicode counts as letters


def fold(text: str) -> str:
    """Write a text as `plainer_views` does, without undoing escapes."""
    return _NOT_PLAIN.sub(lambda found: _plain_sign(found.group()), text)


def _from_hex(run: str) -> str:
    if not _HEX.fullmatch(run) or len(run) % 2:
        return ""
    return bytes.fromhex(run).decode("ascii", "ignore")


_HEX = re.compile(r"(?:[2-7][0-9A-Fa-f])+")  # of signs in ASCII


def _from_base64(run: str) -> str:
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
