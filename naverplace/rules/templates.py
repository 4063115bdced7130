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
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr
from pydantic import Field as Key

from naverplace.base.clock import SEOUL
from naverplace.base.errors import CannotDecide
from naverplace.base.korean_text import (
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
from naverplace.domain.booking import Booking, BookingStatus, Option
from naverplace.domain.extra_fields import Field
from naverplace.domain.stores import Store

BOOKING_WORDS = (
    *("name", "start", "date", "time", "end", "status"),
    *("options", "booking_num", "phone", "extra"),
)
STORE_WORDS = ("id", "name", "alias")
_EXAMPLES = {
    "booking": "booking.start",
    "store": "store.alias",
    "access": "access.door_code",
}
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
            raise CannotDecide(f"access.{unset[0]} of store {store.id} is not set")
        try:
            text = self.compiled.render(
                booking=booking_words(booking, self.fields),
                store=SimpleNamespace(**{word: getattr(store, word) for word in STORE_WORDS}),
                access=SimpleNamespace(**dict(access or {})),
            )
        except Exception as error:  # noqa: BLE001 - whatever broke, its text may quote a secret
            raise CannotDecide(f"cannot be filled in: {self._why(error)}") from None
        return text.strip()

    def _why(self, error: Exception) -> str:
        """Word a rendering error; nothing but the name of a word we know is quoted."""
        absent = re.search(r"has no attribute '(\w+)'$", str(error))
        known = {*BOOKING_WORDS, *(field.name for field in self.fields)}
        if absent and absent[1] in known:
            return f"booking.{absent[1]} is missing in this booking"
        return type(error).__name__


def compile_text(
    source: str, *, fields: Collection[Field], speaks: Sequence[str] = ("booking", "store")
) -> CompiledText | list[Wrong]:
    """Read a text, or list every word that it must not use; `speaks` names its variables."""
    try:
        parsed = _ENVIRONMENT.parse(source)
        compiled = _ENVIRONMENT.from_string(source)
    except TemplateSyntaxError as error:
        return [Wrong(f"is no template: {error.message}", line=error.lineno)]
    wrong = [
        Wrong(f"unknown variable {name!r}; {suggest_nearest(name, list(speaks))}", name)
        for name in sorted(meta.find_undeclared_variables(parsed) - set(speaks))
    ]
    steps = parsed.find_all((nodes.Getattr, nodes.Getitem))
    uses = [path for node in steps if (path := _path(node))]
    wrong += _unknown_words(uses, fields)
    for name, example in _EXAMPLES.items():
        named = sum(1 for node in parsed.find_all(nodes.Name) if node.name == name)
        if named != sum(1 for path in uses if path[0] == name and len(path) == 2):
            wrong.append(Wrong(f"{name} is used by its words only, like {example}", name))
    if wrong:
        return wrong
    access = [path[1] for path in uses if path[0] == "access" and len(path) == 2]
    return CompiledText(source, tuple(dict.fromkeys(access)), tuple(fields), compiled)


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
            yield Wrong(f"unknown {name!r}; {suggest_nearest(path[-1], words)}", name)


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
        "name": to_euc_kr(booking.name) or NO_NAME,
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
        extra={field.name: samples[field.type] for field in fields},
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


class Rendered(BaseModel):
    """One message, ready to be sent; it may hold a door code."""

    model_config = ConfigDict(frozen=True)

    subject: str = Key(repr=False)
    text: str = Key(repr=False)
    message_type: Literal["SMS", "LMS"]
    content_type: Literal["COMM", "AD"]


def _clock_time(value: str) -> time:
    try:
        return datetime.strptime(value, "%H:%M").time()  # noqa: DTZ007 - a time of day
    except (ValueError, TypeError):
        raise ValueError(f"{value!r} is no time of day: write it like '08:00'") from None


def _window(value: tuple[time, time]) -> tuple[time, time]:
    if value[0] >= value[1]:
        raise ValueError("must begin before it ends, on one day")
    return value


TimeOfDay = Annotated[time, BeforeValidator(_clock_time)]
SendWindow = Annotated[tuple[TimeOfDay, TimeOfDay], AfterValidator(_window)]


class TemplateEntry(BaseModel):
    """One template as YAML describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["auto", "SMS", "LMS"] = "auto"  # auto: SMS when it has no subject and fits
    subject: str = ""
    text: str | None = None  # the same text for every store ...
    stores: Mapping[str, str] | None = None  # ... or one for each
    advertisement: bool = Key(False, strict=True)
    send_between: SendWindow | None = None


@dataclass(frozen=True)
class Template:
    """One message's texts, checked and compiled."""

    name: str
    entry: TemplateEntry = field(repr=False)
    subject: CompiledText
    texts: Mapping[str, CompiledText]  # by store; by "" when all stores share it

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
                raise CannotDecide(f"has no text for store {store.id}")
            return self._fit(
                self.subject.render(booking, store, said), text.render(booking, store, said)
            )
        except CannotDecide as error:
            raise CannotDecide(f"template {self.name!r}: {error}") from None

    def _fit(self, subject: str, text: str) -> Rendered:
        for part in (subject, text):
            if strange := unsendable(part.replace("\n", "")):
                raise CannotDecide(f"{name_signs(strange[0])} cannot be sent: EUC-KR lacks it")
        if not text:
            raise CannotDecide("is empty")
        kind = self.entry.type
        if kind == "auto":
            kind = "SMS" if not subject and size(text) <= SMS_BYTES else "LMS"
        limit = SMS_BYTES if kind == "SMS" else LMS_BYTES
        for what, part, most in (("subject", subject, SUBJECT_BYTES), ("text", text, limit)):
            if size(part) > most:
                raise CannotDecide(f"the {what} takes {size(part)} bytes, {kind} at most {most}")
        return Rendered(
            subject=subject,
            text=text,
            message_type=kind,
            content_type="AD" if self.entry.advertisement else "COMM",
        )


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
