"""The texts of the messages: rules/templates*.yaml, checked before anything is sent.

A text message is EUC-KR: 90 bytes for SMS, 2000 for LMS and 40 for its subject; SENS cuts what is
longer without a word (outside-services: SENS bytes), so nothing longer is ever sent.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import lru_cache
from types import SimpleNamespace
from typing import Annotated, Any, Literal

from jinja2 import StrictUndefined, TemplateSyntaxError, meta, nodes
from jinja2 import Template as JinjaTemplate
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import AfterValidator, BeforeValidator, SecretStr, WithJsonSchema
from pydantic import Field as Key

from naverplace.base.clock import SEOUL
from naverplace.base.errors import CannotDecide
from naverplace.base.korean_text import (
    customer_name,
    day_words,
    moment_words,
    name_signs,
    size,
    time_words,
    to_euc_kr,
    unsendable,
)
from naverplace.base.phone import mask
from naverplace.base.registry import suggest_nearest
from naverplace.base.translation import gettext as _
from naverplace.base.yaml_nodes import Node
from naverplace.base.yaml_validation import YamlModel
from naverplace.domain.booking import Booking, BookingStatus, Option
from naverplace.domain.extra_fields import Field, assumed_field
from naverplace.domain.stores import Store

BOOKING_WORDS = (
    *("name", "start", "date", "time", "end", "status"),
    *("options", "booking_num", "phone", "extra"),
)
STORE_WORDS = ("id", "name", "alias")
_EXAMPLES = {"booking": "booking.start", "store": "store.alias", "access": "access.door_code"}
NO_NAME = "고객"  # when nothing of a name can be sent
_ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    autoescape=False,  # text messages, not HTML
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Wrong:
    """A mistake in a text; `find` is the piece of it to point at, else `line`, from 1."""

    what: str
    find: str = ""
    line: int = 0


@dataclass(frozen=True)
class CompiledText:
    """One text with variables, read and compiled once."""

    source: str = field(repr=False)
    access_words: tuple[str, ...]  # the access data that it needs
    fields: tuple[Field, ...] = field(repr=False)  # the declared fields that it may use
    compiled: JinjaTemplate = field(repr=False)

    def render(
        self, booking: Booking, store: Store, access: Mapping[str, str] | None = None
    ) -> str:
        """Fill the text in. Raises CannotDecide, which quotes no value: it may be a door code."""
        if not self.source:
            return ""
        unset = [word for word in self.access_words if word not in (access or {})]
        if unset:
            raise CannotDecide(
                _("access.{word} of store {store} is not set").format(word=unset[0], store=store.id)
            )
        try:
            text = self.compiled.render(
                booking=booking_words(booking, self.fields),
                store=SimpleNamespace(**{word: getattr(store, word) for word in STORE_WORDS}),
                access=SimpleNamespace(**dict(access or {})),
            )
        except Exception as error:  # noqa: BLE001 - whatever broke, its text may quote a secret
            raise CannotDecide(
                _("cannot be filled in: {why}").format(why=self._why(error))
            ) from None
        return text.strip()

    def _why(self, error: Exception) -> str:
        """Word a rendering error; nothing but the name of a word we know is quoted."""
        absent = re.search(r"has no attribute '(\w+)'$", str(error))
        known = {*BOOKING_WORDS, *(field.name for field in self.fields)}
        if absent and absent[1] in known:
            return f"booking.{absent[1]} is missing in this booking"
        return type(error).__name__


def compile_text(
    source: str, *, fields: Collection[Field] | None, speaks: Sequence[str] = ("booking", "store")
) -> CompiledText | list[Wrong]:
    """Read a text, or list every word that it must not use; `speaks` names its variables.

    Without `fields` every word of a booking is taken for one.
    """
    if len(source) > _LONGEST:
        words = _("has {signs} signs; no message holds more than {most} bytes")
        return [Wrong(words.format(signs=len(source), most=LMS_BYTES), line=1)]
    try:
        parsed = _ENVIRONMENT.parse(source)
        if greedy := list(_too_much(parsed)):
            return greedy  # not compiled either: Jinja works out 'a' * 10**9 while it compiles
        compiled = _ENVIRONMENT.from_string(parsed)
    except TemplateSyntaxError as error:
        return [Wrong(_syntax_words(error.message or ""), line=error.lineno)]
    except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError):
        return [Wrong(_("is too long or too deeply nested to be read: make it simpler"), line=1)]
    wrong = list(_no_placeholders(parsed))
    for name in sorted(meta.find_undeclared_variables(parsed) - set(speaks)):
        hint = suggest_nearest(name, list(speaks))
        wrong.append(
            Wrong(_("unknown variable {name!r}; {hint}").format(name=name, hint=hint), name)
        )
    steps = parsed.find_all((nodes.Getattr, nodes.Getitem))
    uses = [path for node in steps if (path := _path(node))]
    if fields is None:
        said = {path[-1] for path in uses if path[0] == "booking" and len(path) > 1}
        fields = [assumed_field(name) for name in sorted(said - {*BOOKING_WORDS})]
    wrong += _unknown_words(uses, fields)
    for name, example in _EXAMPLES.items():
        named = sum(1 for node in parsed.find_all(nodes.Name) if node.name == name)
        if named != sum(1 for path in uses if path[0] == name and len(path) == 2):
            words = _("{name} is used by its words only, like {example}")
            wrong.append(Wrong(words.format(name=name, example=example), name))
    if wrong:
        return wrong
    access = [path[1] for path in uses if path[0] == "access" and len(path) == 2]
    return CompiledText(source, tuple(dict.fromkeys(access)), tuple(fields), compiled)


def _syntax_words(said: str) -> str:
    if unknown := re.match(r"No filter named '(\w+)'", said):
        hint = suggest_nearest(unknown[1], sorted(_FILTERS))
        return _("unknown filter {word!r}; {hint}").format(word=unknown[1], hint=hint)
    return _(
        "cannot be read from here on: a word is written {{ booking.name }}, and every {% if %} and "
        "{% for %} has its {% endif %} or {% endfor %}"
    )


# What people write for {{ booking.name }} and a customer would read as it stands.
_LOOKS_FILLED_IN = re.compile(
    r"[{}｛｝❴❵⦃⦄]|\$\(|<<[^<>]*>>|<%|%>|\[\[|\]\]|%[A-Za-z_]\w*%"
    r"|\b(?:booking|store|access)\s*[.．]\s*\w+",
    re.IGNORECASE,
)


def _no_placeholders(parsed: nodes.Template) -> Iterator[Wrong]:
    """Name what looks like a variable in the words that stay as they are."""
    for part in parsed.find_all(nodes.TemplateData):
        if found := _LOOKS_FILLED_IN.search(part.data):
            line = part.data[: found.start()].count("\n")
            said = part.data.split("\n")[line].strip()
            words = _(
                "{said!r} looks like a variable and is none; write it like {{{{ booking.name }}}}"
            )
            yield Wrong(words.format(said=said), found[0])


_LONGEST = 20_000  # signs of one text, its variables written out
# What a text needs; nothing of it makes a text longer than source and booking together, but a loop
# over what the booking lists.
_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem),
    *(nodes.Const, nodes.List, nodes.Tuple, nodes.Slice, nodes.Keyword, nodes.If, nodes.CondExpr),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Test, nodes.For),
    *(nodes.Filter, nodes.Concat, nodes.Add, nodes.Sub, nodes.Neg, nodes.Pos),
)
_FILTERS = {
    *("capitalize", "count", "d", "default", "first", "float", "int", "join", "last", "length"),
    *("lower", "round", "string", "title", "trim", "truncate", "upper"),
}


def _too_much(parsed: nodes.Template) -> Iterator[Wrong]:
    """Name what could take all time and memory: calls, macros, products, loops within loops."""
    for node in parsed.find_all(nodes.Node):
        what = ""
        if not isinstance(node, _ALLOWED):
            what = getattr(node, "operator", "") or type(node).__name__.lower()
        elif isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            what = f"the filter {node.name}" if node.name in _ENVIRONMENT.filters else ""
        elif isinstance(node, nodes.For) and (
            node.recursive or not _path(node.iter) or next(node.find_all(nodes.For), None)
        ):
            what = "this loop"
        if what:
            words = _(
                "{what} is not for texts, it could make one without end; "
                "write words, conditions and one loop over a list"
            )
            yield Wrong(words.format(what=what), line=node.lineno)


def _path(node: nodes.Node) -> tuple[str, ...]:
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        head = _path(node.node)
        return (*head, node.attr) if head else ()
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        head = _path(node.node)
        return (*head, str(node.arg.value)) if head else ()
    return ()


def _unknown_words(uses: list[tuple[str, ...]], fields: Collection[Field]) -> Iterator[Wrong]:
    declared = [field.name for field in fields]
    known: dict[tuple[str, ...], list[str]] = {
        ("booking",): [*BOOKING_WORDS, *declared],
        ("booking", "extra"): declared,
        ("store",): list(STORE_WORDS),
    }
    for path in uses:
        words = known.get(path[:-1])
        if words is not None and path[-1] not in words:
            name = ".".join(path)
            hint = suggest_nearest(path[-1], words)
            yield Wrong(_("unknown {name!r}; {hint}").format(name=name, hint=hint), name)


def booking_words(booking: Booking, fields: Collection[Field]) -> SimpleNamespace:
    """List what a text may say about a booking, in signs that a text message can carry.

    A value that the booking lacks is left out, so that a text that uses it is not sent half empty.
    """
    extra = {
        field.name: _spoken(booking.extra[field.name])
        for field in fields
        if booking.extra.get(field.name) is not None
    }
    words: dict[str, Any] = {
        **extra,
        "name": customer_name(booking.name) or NO_NAME,
        "start": moment_words(booking.start),
        "date": day_words(booking.start),
        "time": time_words(booking.start),
        "status": booking.status.value,
        "options": [
            SimpleNamespace(name=to_euc_kr(option.name), count=option.count, price=option.price)
            for option in booking.options
        ],
        "booking_num": booking.booking_num,
        "phone": mask(booking.phone),
        "extra": SimpleNamespace(**extra),
    }
    if booking.end:
        words["end"] = time_words(booking.end)
    return SimpleNamespace(**words)


def _spoken(value: Any) -> Any:
    if isinstance(value, str):
        return to_euc_kr(value)
    if isinstance(value, datetime):
        return moment_words(value)
    return [_spoken(part) for part in value] if isinstance(value, list) else value


_SAMPLES: Mapping[str, Any] = {"str": "가나다라", "int": 1000, "float": 1.5, "bool": True}
_SAMPLE_START = datetime(2025, 12, 31, 12, 30, tzinfo=SEOUL)  # takes the most bytes in words


@lru_cache(maxsize=8)
def sample_bookings(fields: tuple[Field, ...]) -> tuple[Booking, Booking, Booking]:
    """Invent three bookings that differ in day or time only, for a text to be tried on."""
    samples = {**_SAMPLES, "datetime": _SAMPLE_START, "list": ["가나다"]}
    booking = Booking(
        store_id="1",
        booking_id=1,
        status=BookingStatus.CONFIRMED,
        name="가나다라마바사아자차",
        phone="01000000000",
        raw_phone="01000000000",
        start=_SAMPLE_START,
        end=_SAMPLE_START + timedelta(hours=1),
        options=(Option(name="가나다라마바사", count=2),),
        extra={field.name: samples.get(field.type, "가나다라") for field in fields},
        read_at=_SAMPLE_START,
    )
    day = booking.model_copy(update={"start": _SAMPLE_START - timedelta(days=1)})
    time = booking.model_copy(update={"start": _SAMPLE_START - timedelta(minutes=30)})
    return booking, day, time


SMS_BYTES, LMS_BYTES, SUBJECT_BYTES = 90, 2000, 40
# Advertisements are forbidden from 21:00 on; ten minutes are left for their way
# (outside-services: Advertising law).
AD_WINDOW = (time(8), time(20, 50))
Access = Mapping[str, Mapping[str, SecretStr]]  # by store, by word


@dataclass(frozen=True)
class Rendered:
    """One message, ready to be sent; it may hold a door code."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    message_type: Literal["SMS", "LMS"]
    content_type: Literal["COMM", "AD"]


def _clock_time(value: str) -> time:
    try:
        return datetime.strptime(value, "%H:%M").time()  # noqa: DTZ007 - a time of day
    except (ValueError, TypeError):
        words = _("{value!r} is no time of day: write it like '08:00'")
        raise ValueError(words.format(value=value)) from None


def _window(value: tuple[time, time]) -> tuple[time, time]:
    if value[0] >= value[1]:
        raise ValueError(_("should begin before it ends, on one day"))
    return value


TimeOfDay = Annotated[
    time,
    BeforeValidator(_clock_time),
    WithJsonSchema({"type": "string", "pattern": r"^([01]?\d|2[0-3]):[0-5]?\d$"}),
]
SendWindow = Annotated[tuple[TimeOfDay, TimeOfDay], AfterValidator(_window)]


class Unsendable(CannotDecide):
    """A message that would not arrive as it is written."""

    def __init__(self, message: str, *, what: str, taken: int = 0) -> None:
        super().__init__(message)
        self.what, self.taken = what, taken  # subject or text, and its bytes if they are too many


class TemplateEntry(YamlModel):
    """One template as YAML describes it."""

    type: Literal["auto", "SMS", "LMS"] = "auto"
    """auto: SMS when it has no subject and fits into 90 bytes, else LMS"""
    subject: str = ""
    """of an LMS; 40 bytes, which are 20 letters of Hangul"""
    text: str | None = None
    """the same text for every store; {{ booking.start }} and other words are filled in"""
    stores: Mapping[str, str] | None = None
    """instead of text: one for each store, by its number"""
    advertisement: bool = Key(False, strict=True)
    """begins with (광고), ends with 무료수신거부 and its number, goes out from 08:00 to 20:50"""
    send_between: SendWindow | None = None
    """Korean times between which it is sent, like ["08:00", "21:00"]"""


@dataclass(frozen=True)
class Template:
    """One message's texts, checked and compiled."""

    name: str
    entry: TemplateEntry = field(repr=False)
    subject: CompiledText
    texts: Mapping[str, CompiledText]  # by store; by "" when all stores share it
    nodes: Mapping[str, Node] = field(default_factory=dict, repr=False)  # where they stand

    @property
    def per_store(self) -> bool:
        """Tell whether every store has a text of its own."""
        return "" not in self.texts

    def uses_access_data(self, store_id: str) -> bool:
        """Tell whether this store's message carries access data."""
        text = self.texts.get("", self.texts.get(store_id))
        return bool(self.subject.access_words or (text and text.access_words))

    @property
    def window(self) -> tuple[time, time] | None:
        """Give the times of day between which it may be sent; the end is excluded."""
        if self.entry.send_between or not self.entry.advertisement:
            return self.entry.send_between
        return AD_WINDOW

    def render(self, booking: Booking, store: Store, access: Access | None) -> Rendered:
        """Fill the template in. Raises CannotDecide when it would not arrive as it is written."""
        try:
            said = open_access(access, store.id)
            text = self.texts.get("", self.texts.get(store.id))
            if text is None:
                raise CannotDecide(_("has no text for store {store}").format(store=store.id))
            filled = self.subject.render(booking, store, said), text.render(booking, store, said)
            for objection in self.objections(*filled):
                raise objection
        except CannotDecide as error:
            raise CannotDecide(
                _("template {name!r}: {what}").format(name=self.name, what=error)
            ) from None
        return Rendered(
            subject=filled[0],
            text=filled[1],
            message_type=self._type_of(*filled),
            content_type="AD" if self.entry.advertisement else "COMM",
        )

    def objections(self, subject: str, text: str) -> Iterator[Unsendable]:
        """List why a message that is filled in would not arrive as it is written."""
        kind = self._type_of(subject, text)
        limit = SMS_BYTES if kind == "SMS" else LMS_BYTES
        for what, part, most in (("subject", subject, SUBJECT_BYTES), ("text", text, limit)):
            if strange := unsendable(part.replace("\n", "")):
                words = _("{sign} cannot be sent: EUC-KR lacks it")
                yield Unsendable(words.format(sign=name_signs(strange[0])), what=what)
            elif (taken := size(part)) > most:
                words = (
                    _("the subject takes {taken} bytes, {kind} at most {most}")
                    if what == "subject"
                    else _("the text takes {taken} bytes, {kind} at most {most}")
                )
                words = words.format(taken=taken, kind=kind, most=most)
                yield Unsendable(words, what=what, taken=taken)
        if not text:
            yield Unsendable(_("is empty"), what="text")

    def _type_of(self, subject: str, text: str) -> Literal["SMS", "LMS"]:
        if self.entry.type != "auto":
            return self.entry.type
        return "SMS" if not subject and size(text) <= SMS_BYTES else "LMS"


def open_access(access: Access | None, store_id: str) -> dict[str, str]:
    """Open one store's access data, for rendering only."""
    secrets = (access or {}).get(store_id, {})
    return {word: secret.get_secret_value() for word, secret in secrets.items()}


def window_end(window: tuple[time, time], now: datetime) -> datetime | None:
    """Tell until when today a message may be sent; None when `now` is outside the window."""
    now = now.astimezone(SEOUL)
    if not window[0] <= now.time() < window[1]:
        return None
    return datetime.combine(now.date(), window[1], tzinfo=SEOUL)
