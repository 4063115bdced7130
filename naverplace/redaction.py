"""Keeping secrets and phones out of everything that people or databases read.

One process has one `REDACTOR`. `attach()` makes every log record pass it as it is made, so that
handlers of other libraries are covered, those added later too; `RedactionFilter` does the same on a
handler, for `extra` values, which join a record only after it is made.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, SecretStr

from naverplace.phone import mask

MARK = "[redacted]"
SHORTEST = 4  # a shorter secret would blot out half of every text
_WORDLIKE = 6  # a shorter secret is hidden only where it stands alone
_PHONE = re.compile(
    r"""(?<![0-9A-Za-z_])(?<!\d\.)                       # no id, no uuid, no fraction
    (?: (?:%2B|\+|00)?82[\s.-]?(?:\(0\)|0)?[\s.-]?(?:1[016789]|50[2-8])[\s.-]?\d{3,4}[\s.-]?\d{4}
      | (?:01[016789]|050[2-8])[\s.-]?\d{3,4}[\s.-]?\d{4}
      | 0\d{1,2}-\d{3,4}-\d{4}                            # a landline, only when written as one
    )(?![0-9A-Za-z])""",
    re.VERBOSE,
)


class Redactor:
    """Knows every loaded secret in the forms it may appear in; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, *secrets: str | SecretStr) -> None:
        """Hide these from now on; secrets of fewer than four characters cannot be hidden."""
        with self._lock:
            known = len(self._forms)
            for secret in secrets:
                value = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
                self._forms |= {form for form in _forms(value) if form not in MARK}
            if len(self._forms) != known:
                longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
                self._pattern = re.compile("|".join(map(_expression, longest_first)))

    def learn_settings(self, settings: BaseModel) -> None:
        """Hide every SecretStr of a settings tree."""
        self.learn(*_secrets_in(settings))

    def scrub(self, text: str) -> str:
        """Replace every secret, and mask every phone."""
        pattern = self._pattern
        if pattern is not None:
            text = pattern.sub(MARK, text)
        return _PHONE.sub(lambda found: mask(found.group()), text)


REDACTOR = Redactor()


def describe(error: BaseException) -> str:
    """Put an error in one scrubbed line, with what to do about it where that is known."""
    advice = getattr(error, "advice", "")
    text = f"{type(error).__name__}: {error}" + (f" -> {advice}" if advice else "")
    return REDACTOR.scrub(text)


def _forms(secret: str) -> Iterator[str]:
    """List how a secret may be written: plain, in URLs, in JSON, in reprs, in base64."""
    if len(secret.strip()) < SHORTEST:
        return
    yield secret
    yield secret.strip()
    yield from (quote(secret), quote(secret, safe=""), quote_plus(secret))
    for escaped in (json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret)):
        yield escaped[1:-1]
    yield secret.replace("\\", "\\\\").replace('"', '\\"')
    if len(secret) >= _WORDLIKE:
        yield from _in_base64(secret.encode())


def _in_base64(secret: bytes) -> Iterator[str]:
    """List the signs that a secret leaves in base64, alone or inside a longer text."""
    for offset in range(3):
        # The first and last signs also depend on the neighbours: only those between are certain.
        encoded = base64.b64encode(b"\0" * offset + secret).decode().rstrip("=")
        first = (8 * offset + 5) // 6
        last = 8 * (offset + len(secret)) // 6
        certain = encoded[first:last]
        if len(certain) >= _WORDLIKE:
            yield certain
            yield certain.replace("+", "-").replace("/", "_")
            yield quote_plus(certain)


def _expression(form: str) -> str:
    escaped = re.escape(form)
    if len(form) >= _WORDLIKE:
        return escaped
    return rf"(?<![0-9A-Za-z]){escaped}(?![0-9A-Za-z])"


def _secrets_in(value: object) -> Iterator[SecretStr]:
    if isinstance(value, SecretStr):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets_in(getattr(value, name))
    elif isinstance(value, dict):
        for part in value.values():
            yield from _secrets_in(part)
    elif isinstance(value, list | tuple | set):
        for part in value:
            yield from _secrets_in(part)


_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def scrub_record(record: logging.LogRecord) -> logging.LogRecord:
    """Scrub all that a log record says; it is changed in place."""
    record.msg = REDACTOR.scrub(_message(record))
    record.args = None
    if record.exc_info and not record.exc_text:
        record.exc_text = logging.Formatter().formatException(record.exc_info)
    if record.exc_text:
        record.exc_text = REDACTOR.scrub(record.exc_text)
    if record.stack_info:
        record.stack_info = REDACTOR.scrub(record.stack_info)
    for name, value in vars(record).items():
        if name not in _STANDARD and isinstance(value, str):
            setattr(record, name, REDACTOR.scrub(value))
    return record


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        # Wrong arguments are the caller's defect, but what they hold must not get out.
        return f"{record.msg} {record.args!r}"


class RedactionFilter(logging.Filter):
    """A filter that hides secrets and phones; put it on handlers, since loggers' miss children."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Scrub the record and let it pass."""
        scrub_record(record)
        return True


def attach() -> None:
    """Put the redactor in the way of every log record, uncaught exception and warning."""
    for handler in _handlers():
        if not any(isinstance(known, RedactionFilter) for known in handler.filters):
            handler.addFilter(RedactionFilter())
    if getattr(logging.getLogRecordFactory(), "redacts", False):
        return
    make = logging.getLogRecordFactory()

    def make_scrubbed(*args: Any, **kwargs: Any) -> logging.LogRecord:
        return scrub_record(make(*args, **kwargs))

    make_scrubbed.redacts = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(make_scrubbed)
    sys.excepthook = _print_scrubbed
    threading.excepthook = lambda hook: _print_scrubbed(
        hook.exc_type, hook.exc_value, hook.exc_traceback
    )
    warnings.showwarning = _warn_scrubbed


def _handlers() -> Iterable[logging.Handler]:
    loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
    for logger in loggers:
        if isinstance(logger, logging.Logger):
            yield from logger.handlers


def _print_scrubbed(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    if issubclass(kind, SystemExit | KeyboardInterrupt):
        return
    text = "".join(traceback.format_exception(kind, error, trace))
    sys.stderr.write(REDACTOR.scrub(text))


def _warn_scrubbed(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    text = warnings.formatwarning(str(message), category, filename, lineno, line)
    (file or sys.stderr).write(REDACTOR.scrub(text))
