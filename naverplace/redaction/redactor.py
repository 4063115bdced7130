"""Keeping secrets and phones out of everything that people or databases read.

One process has one `REDACTOR`. `attach()` makes every log record pass it as it is made, which
covers handlers of other libraries, those added later too; `RedactionFilter` does the same on a
handler, for `extra` values, which join a record only after it is made.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel, SecretStr

from naverplace.redaction.encodings import CERTAIN, encoded_forms, standing_alone
from naverplace.redaction.phone_masking import mask_phones

MARK = "[redacted]"
# Botocore and Selenium show these at DEBUG before anybody can have learned them.
_UNTOLD = (
    re.compile(r"""(Secret(?:String|Binary)\\*["']\W{1,12})(?!\W*redacted\])\w.*""", re.DOTALL),
    re.compile(r"(NID_(?:AUT|SES)=)[\w+/=%.~-]{4,}"),
    re.compile(
        r"""(NID_(?:AUT|SES)\\*["']\W{1,12}(?:[^{}]{0,300}?\bvalue\W{1,12})??)[\w+/=%.~-]{12,}"""
    ),
)
_COMPOUND = (dict, list, tuple, set, frozenset, bytes, BaseException)


class Redactor:
    """Knows every loaded secret in the forms it may appear in; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._learned: set[str] = set()
        self._long: tuple[str, ...] = ()
        self._short: tuple[tuple[str, re.Pattern[str]], ...] = ()

    def learn(self, *secrets: str | SecretStr) -> None:
        """Hide these from now on; secrets of fewer than four characters cannot be hidden."""
        values = {s.get_secret_value() if isinstance(s, SecretStr) else s for s in secrets}
        with self._lock:
            new = values - self._learned
            if not new:
                return
            self._learned |= new
            forms = {form for value in new for form in encoded_forms(value) if form not in MARK}
            forms |= {*self._long, *(form for form, _ in self._short)}
            longest_first = sorted(forms, key=lambda form: (-len(form), form))
            self._long = tuple(form for form in longest_first if len(form) >= CERTAIN)
            self._short = tuple(
                (form, re.compile(standing_alone(form)))
                for form in longest_first
                if len(form) < CERTAIN
            )

    def learn_settings(self, settings: BaseModel) -> None:
        """Hide every SecretStr of a settings tree."""
        self.learn(*_secrets_in(settings))

    def scrub(self, text: str) -> str:
        """Replace every secret, and mask every phone."""
        # Hundreds of searches for plain text are faster than one regex of as many alternatives.
        for form in self._long:
            if form in text:
                text = text.replace(form, MARK)
        for telltale in _UNTOLD:
            text = telltale.sub(rf"\1{MARK}", text)
        # Before short codes, which may be a part of a phone and would leave the rest of it.
        text = mask_phones(text)
        for form, alone in self._short:
            if form in text:
                text = alone.sub(MARK, text)
        return text


REDACTOR = Redactor()


def describe(error: BaseException) -> str:
    """Put an error in one scrubbed text, with what to do about it where that is known."""
    advice = getattr(error, "advice", "")
    text = f"{type(error).__name__}: {error}" + (f" -> {advice}" if advice else "")
    return REDACTOR.scrub(text)


def _secrets_in(value: object) -> Iterator[SecretStr]:
    if isinstance(value, SecretStr):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets_in(getattr(value, name))
    elif isinstance(value, dict):
        for part in value.values():
            yield from _secrets_in(part)
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from _secrets_in(part)


_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def scrub_record(record: logging.LogRecord) -> logging.LogRecord:
    """Scrub all that a log record says, in place; what holds nothing to hide stays as it is."""
    _scrub_message(record)
    _scrub_traceback(record)
    if record.stack_info:
        record.stack_info = REDACTOR.scrub(record.stack_info)
    for name, value in list(vars(record).items()):
        if name not in _STANDARD:  # what the caller added by `extra`
            setattr(record, name, _scrubbed(value))
    return record


def _scrub_message(record: logging.LogRecord) -> None:
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001 - a defect in a log call must not stop a run, nor leak
        raw = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        record.msg = REDACTOR.scrub(f"{raw} (its arguments do not fit and are left out)")
        record.args = None
        return
    clean = REDACTOR.scrub(message)
    args = repr(record.args) if record.args else ""
    # Formatters that write the arguments themselves would get past a clean message.
    if clean != message or REDACTOR.scrub(args) != args:
        record.msg, record.args = clean, None


def _scrub_traceback(record: logging.LogRecord) -> None:
    trace = record.exc_text
    if isinstance(record.exc_info, tuple) and not trace:
        trace = logging.Formatter().formatException(record.exc_info)
    if trace and (clean := REDACTOR.scrub(trace)) != trace:
        # The live exception goes: JSON formatters would write its own text.
        record.exc_text, record.exc_info = clean, None


def _scrubbed(value: object) -> object:
    if isinstance(value, str):
        return REDACTOR.scrub(value)
    if isinstance(value, _COMPOUND):
        shown = repr(value)
        clean = REDACTOR.scrub(shown)
        return value if clean == shown else clean
    return value


class RedactionFilter(logging.Filter):
    """A filter that hides secrets and phones; put it on handlers, since loggers' miss children."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Scrub the record and let it pass."""
        scrub_record(record)
        return True


def attach() -> None:
    """Put the redactor in the way of every log record, uncaught exception and warning."""
    for logger in [logging.getLogger(), *list(logging.Logger.manager.loggerDict.values())]:
        for handler in getattr(logger, "handlers", ()):  # a place holder has none
            _guard(handler)
    if not getattr(logging.getLogRecordFactory(), "redacts", False):
        make = _making(logging.getLogRecordFactory())
        make.redacts = True  # type: ignore[attr-defined]
        logging.setLogRecordFactory(make)
    for owner, name, wrap in _HOOKS:
        hook = getattr(owner, name)
        if not getattr(hook, "redacts", False):
            wrapped = wrap(hook)
            wrapped.redacts = True
            setattr(owner, name, wrapped)


def _guard(handler: logging.Handler) -> None:
    if not any(isinstance(known, RedactionFilter) for known in handler.filters):
        handler.addFilter(RedactionFilter())


def _making(make: Callable[..., logging.LogRecord]) -> Callable[..., logging.LogRecord]:
    def make_scrubbed(*args: Any, **kwargs: Any) -> logging.LogRecord:
        return scrub_record(make(*args, **kwargs))

    return make_scrubbed


def _adding(add: Callable[[logging.Logger, logging.Handler], None]) -> Callable[..., None]:
    def add_guarded(logger: logging.Logger, hdlr: logging.Handler) -> None:
        _guard(hdlr)
        add(logger, hdlr)

    return add_guarded


def _uncaught(hook: Callable[..., None]) -> Callable[..., None]:
    def show(*given: Any) -> None:
        if len(given) == 3:
            kind, error, trace = given
        else:
            kind, error, trace = given[0].exc_type, given[0].exc_value, given[0].exc_traceback
        text = "".join(traceback.format_exception(kind, error, trace))
        clean = REDACTOR.scrub(text)
        if clean == text:
            hook(*given)
        elif sys.stderr is not None:
            sys.stderr.write(clean)

    return show


def _warning(show: Callable[..., None]) -> Callable[..., None]:
    def show_scrubbed(message: Warning | str, *args: Any, **kwargs: Any) -> None:
        clean = REDACTOR.scrub(str(message))
        show(message if clean == str(message) else clean, *args, **kwargs)

    return show_scrubbed


_HOOKS: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (logging.Logger, "addHandler", _adding),
    (sys, "excepthook", _uncaught),
    (sys, "unraisablehook", _uncaught),
    (threading, "excepthook", _uncaught),
    (warnings, "showwarning", _warning),
)


_NUMBER = re.compile(r"\+?\d[\d -]{2,}\d")  # four digits may be a door code
_LONGEST = 200
_QUOTE = 6  # characters in a row that count as a quotation


def safe_quote(words: str, *, private: Sequence[str] = ()) -> str:
    """Shorten a service's words to one line, without numbers, and without what quotes us."""
    line = " ".join(words.split())[:_LONGEST]
    if any(_quotes(line, text) for text in private):
        return "(words withheld: they quote the message)"
    return _NUMBER.sub("[number]", line)


def _quotes(line: str, text: str) -> bool:
    """Tell whether the line holds six characters in a row of the text, or a shorter one whole."""
    text = " ".join(text.split())
    if any(sign.isdigit() for sign in text) and text.replace("-", "").isdigit():
        return False  # a number: masked as such
    if len(text) <= _QUOTE:
        return len(text) > 1 and text in line
    return any(text[i : i + _QUOTE] in line for i in range(len(text) - _QUOTE + 1))
