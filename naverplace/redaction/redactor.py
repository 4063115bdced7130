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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache, partial
from typing import Any, TypeVar, cast

from pydantic import BaseModel, SecretStr

from naverplace.base.errors import RulesError, SettingsError
from naverplace.redaction.encodings import (
    View,
    decoded_runs,
    encoded_forms,
    fold,
    is_certain,
    plainer_views,
    standing_alone,
    without_blanks,
)
from naverplace.redaction.phone_masking import find_phones, mask_phones

T = TypeVar("T")
MARK = "[redacted]"
# Botocore and Selenium show these at DEBUG before anybody can have learned them.
_UNTOLD = (
    re.compile(r"""(Secret(?:String|Binary)\\*["']\W{1,12})(?!\W*redacted\])\w.*""", re.DOTALL),
    re.compile(r"(NID_(?:AUT|SES)=)[\w+/=%.~-]{4,}"),
    re.compile(
        r"""(NID_(?:AUT|SES)\\*["']\W{1,12}(?:[^{}]{0,300}?\bvalue\W{1,12})??)[\w+/=%.~-]{12,}"""
    ),
)
_LONG_WORD = 8  # a shorter word may stand in a text by chance when blanks are left out
# Colours and moves of a terminal, and signs that turn or hide what stands beside them.
_STEERING = re.compile(
    "\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?)?"
    "|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200c\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_COMPOUND = (dict, list, tuple, set, frozenset, bytes, BaseException)


class Redactor:
    """Knows every loaded secret in the forms it may appear in; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._learned: set[str] = set()
        self._certain: tuple[str, ...] = ()
        self._uncertain: tuple[tuple[str, re.Pattern[str]], ...] = ()
        self._words: tuple[str, ...] = ()  # folded, in small letters, without blanks

    def learn(self, *secrets: str | SecretStr) -> None:
        """Hide these from now on; secrets of fewer than four characters cannot be hidden."""
        values = {s.get_secret_value() if isinstance(s, SecretStr) else s for s in secrets}
        with self._lock:
            new = values - self._learned
            if not new:
                return
            self._learned |= new
            forms = {form for value in new for form in encoded_forms(value) if form not in MARK}
            forms |= {*self._certain, *(form for form, _ in self._uncertain)}
            longest_first = sorted(forms, key=lambda form: (-len(form), form))
            self._certain = tuple(form for form in longest_first if is_certain(form))
            self._uncertain = tuple(
                (form, standing_alone(form)) for form in longest_first if not is_certain(form)
            )
            words = {_word(value) for value in self._learned}
            self._words = tuple(word for word in words if _is_long(word))

    def learn_settings(self, settings: BaseModel) -> None:
        """Hide every SecretStr of a settings tree."""
        self.learn(*_secrets_in(settings))

    def scrub(self, text: str) -> str:
        """Replace every secret, mask every phone, and drop the signs that only steer a terminal."""
        text = self._scrub_plain(_STEERING.sub("", text))
        views = list(plainer_views(text))
        for view in views:
            # Each layer is looked through again, on the text as the last one has left it.
            text, changed = self._scrub_view(text, view)
            if changed:
                return self.scrub(text)
        for found, plain in reversed(list(decoded_runs(text))):
            if mask_phones(plain) != plain or self._scrub_plain(plain) != plain:
                text = f"{text[: found.start()]}{MARK}{text[found.end() :]}"
        return self._scrub_broken_up(text)

    def _scrub_plain(self, text: str) -> str:
        # Hundreds of searches for plain text are faster than one regex of as many alternatives.
        for form in self._certain:
            if form in text:
                text = text.replace(form, MARK)
        for telltale in _UNTOLD:
            text = telltale.sub(rf"\1{MARK}", text)
        # Before short codes, which may be a part of a phone and would leave the rest of it.
        text = mask_phones(text)
        for form, alone in self._uncertain:
            if form in text:
                text = alone.sub(partial(_hide, form), text)
        return text

    def _scrub_view(self, text: str, view: View) -> tuple[str, bool]:
        hits = [(*view.place(*span), masked) for *span, masked in find_phones(view.text)]
        for form in filter(view.text.__contains__, self._certain):
            hits += [(*view.place(*span), MARK) for span in _places(form, view.text)]
        for form, alone in self._uncertain:
            if form in view.text:
                found = [f for f in alone.finditer(view.text) if _hide(form, f) == MARK]
                hits += [(*view.place(*f.span()), MARK) for f in found]
        return _put_in(text, hits)

    def _scrub_broken_up(self, text: str) -> str:
        """Find secrets in other letters or with blanks in them; digits are too common for that."""
        if not self._words:
            return text
        views = [View(text, []), *plainer_views(text)]
        joined = ["".join(view.text.lower().split()) for view in views]
        for view, small in zip(views, joined, strict=True):
            words = [word for word in self._words if word in small]
            if not words:
                continue
            spans = view.spans or [(at, at + 1) for at in range(len(text))]
            tight = without_blanks(View(view.text, spans))
            small = _small(tight.text)
            hits = [(*tight.place(*at), MARK) for word in words for at in _places(word, small)]
            text, changed = _put_in(text, hits)
            if changed:
                return self._scrub_broken_up(text)
        return text

    def scrub_values(self, value: T) -> T:
        """Copy a tree of plain values and dataclasses with every text in it scrubbed.

        Numbers stay: a text is searched before it is put between our own dates and counts.
        """
        scrub = cache(self.scrub)  # names, kinds and outcomes stand in every row

        def copied(value: Any) -> Any:
            if isinstance(value, str):
                return scrub(value)
            if isinstance(value, Mapping):
                return {copied(name): copied(part) for name, part in value.items()}
            if isinstance(value, list | tuple):
                return type(value)(map(copied, value))
            if is_dataclass(value) and not isinstance(value, type):
                parts = {f.name: copied(getattr(value, f.name)) for f in fields(value)}
                return replace(value, **parts)
            return value

        return cast("T", copied(value))


def _word(secret: str) -> str:
    return _small("".join(fold(secret).split()))


def _small(text: str) -> str:
    """Write small letters, sign by sign, so that places stay the same."""
    return "".join(small if len(small := sign.lower()) == 1 else sign for sign in text)


def _is_long(word: str) -> bool:
    return len(word) >= _LONG_WORD and not word.isdigit() and word not in MARK


def _places(form: str, text: str) -> list[tuple[int, int]]:
    return [found.span() for found in re.finditer(re.escape(form), text)]


def _put_in(text: str, hits: list[tuple[int, int, str]]) -> tuple[str, bool]:
    """Put words in the places of a text, from its end; where two overlap, one counts."""
    before, limit = text, len(text)
    for start, end, words in sorted(hits, key=lambda hit: (-hit[1], hit[0])):
        if end <= limit and text[start:end] != words:
            text, limit = text[:start] + words + text[end:], start
    return text, text != before


def _hide(form: str, found: re.Match[str]) -> str:
    ours = found[1]  # a date, an id; a code that has such a form itself is hidden all the same
    return ours if ours and ours != form else MARK


REDACTOR = Redactor()


def describe(error: BaseException) -> str:
    """Put an error in one scrubbed text, with what to do about it where that is known."""
    advice = getattr(error, "advice", "")
    listed = isinstance(error, SettingsError | RulesError)  # a person reads them on Telegram
    name = "" if listed else f"{type(error).__name__}: "
    try:
        text = f"{name}{error}"
    except Exception:  # noqa: BLE001 - one that holds something too deep to be shown
        text = f"{type(error).__name__} (its words cannot be shown)"
    text += f" -> {advice}" if advice else ""
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
    try:
        _scrub_traceback(record)
    except Exception:  # noqa: BLE001 - what cannot be shown is left out; a run never ends by it
        record.exc_info, record.exc_text = None, "(its traceback cannot be shown)"
    if record.stack_info:
        record.stack_info = REDACTOR.scrub(record.stack_info)
    for name, value in list(vars(record).items()):
        if name not in _STANDARD:  # what the caller added by `extra`
            setattr(record, name, _scrubbed(value))
    return record


def _scrub_message(record: logging.LogRecord) -> None:
    try:
        message = record.getMessage()
        args = repr(record.args) if record.args else ""
    except Exception:  # noqa: BLE001 - a defect in a log call must not stop a run, nor leak
        raw = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        record.msg = REDACTOR.scrub(f"{raw} (its arguments do not fit and are left out)")
        record.args = None
        return
    clean = REDACTOR.scrub(message)
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
        try:
            shown = repr(value)
        except Exception:  # noqa: BLE001 - too deep, or a defect of its own
            return f"({type(value).__name__}: cannot be shown)"
        clean = REDACTOR.scrub(shown)
        return value if clean == shown else clean
    return value


# Below INFO others show what they send and get: names of customers, which nobody can learn.
_MAY_DEBUG = frozenset({"naverplace", "prefect", "flows", "tasks", "operate", "sandbox"})


class RedactionFilter(logging.Filter):
    """A filter that hides secrets and phones; put it on handlers, since loggers' miss children."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Scrub the record and let it pass, unless a library shows its work by it."""
        scrub_record(record)
        told = (record.levelno or logging.INFO) >= logging.INFO
        return told or record.name.partition(".")[0] in _MAY_DEBUG


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


_NUMBER = re.compile(r"(?:0\d{1,3}-\*{4}-|\+)?\d[\d -]{2,}\d")  # four digits may be a door code
_LONGEST = 200
_QUOTE = 6  # characters in a row that count as a quotation


def safe_quote(words: str, *, private: Sequence[str] = ()) -> str:
    """Shorten a service's words to one line, without numbers, and without what quotes us.

    Nothing is cut before it was looked through: of a secret that is cut, a piece would pass.
    """
    raw = " ".join(words.split())
    line = " ".join(REDACTOR.scrub(words).split())
    if any(_quotes(said, text) for said in (raw, line) for text in private):
        return "(words withheld: they quote the message)"
    return _NUMBER.sub("[number]", line)[:_LONGEST]


def _quotes(line: str, text: str) -> bool:
    """Tell whether the line holds six characters in a row of the text, or a shorter one whole."""
    text = " ".join(text.split())
    if any(sign.isdigit() for sign in text) and text.replace("-", "").isdigit():
        return False  # a number: masked as such
    if len(text) <= _QUOTE:
        return len(text) > 1 and text in line
    return any(text[i : i + _QUOTE] in line for i in range(len(text) - _QUOTE + 1))
