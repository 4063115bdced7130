"""The texts of the messages: rules/templates*.yaml, checked before anything is sent.

A text message is EUC-KR: 90 bytes for SMS, 2000 for LMS and 40 for its subject; SENS cuts what is
longer without a word (outside-services: SENS bytes), so nothing longer is ever sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr
from pydantic import Field as Key

from naverplace.base.clock import SEOUL
from naverplace.base.errors import CannotDecide
from naverplace.base.korean_text import name_signs, size, unsendable
from naverplace.domain.booking import Booking
from naverplace.domain.stores import Store
from naverplace.rules.template_rendering import CompiledText

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
