"""One message as a customer's phone would show it, before anything is sent to a customer."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pydantic import SecretStr

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.errors import NaverPlaceError, OutcomeUnknown, Permanent
from naverplace.base.korean_text import size
from naverplace.base.registry import suggest_nearest
from naverplace.base.translation import gettext as _
from naverplace.domain.booking import Booking
from naverplace.domain.extra_fields import Field
from naverplace.domain.stores import Store
from naverplace.ledger.phone_counter import PhoneCounter, open_phone_counter
from naverplace.ledger.run_memory import record_test_message
from naverplace.messaging.own_number import OwnNumber, TestMessage
from naverplace.messaging.sens import SensClient
from naverplace.pipeline import context, steps
from naverplace.pipeline.find_booking import choose, wanted_booking
from naverplace.pipeline.rulebook_in_force import load_in_force
from naverplace.quality import frames
from naverplace.rules.rulebook import Rulebook
from naverplace.rules.templates import Access, Template, sample_bookings
from naverplace.rules.text_sizes import TextSize, access_or_sample, size_of
from naverplace.settings.schema import Settings


@dataclass(frozen=True)
class Preview:
    """One message, its door code and its customer's name hidden by signs of the same length."""

    template: str
    store: str  # as people call it
    sender: str
    message_type: str
    content_type: str
    longest: TextSize  # for a customer with a long name
    won: float | None
    subject: str = field(repr=False)
    text: str = field(repr=False)

    @property
    def text_bytes(self) -> int:
        """Count the bytes of the text as a phone gets it."""
        return size(self.text)

    @property
    def subject_bytes(self) -> int:
        """Count the bytes of the subject."""
        return size(self.subject)

    def as_json(self) -> dict[str, Any]:
        """Turn it into plain JSON values."""
        sizes = {"text_bytes": self.text_bytes, "subject_bytes": self.subject_bytes}
        return {**vars(self), **sizes, "longest": vars(self.longest)}


def preview_messages(
    settings: Settings, what: str, store: Store, *, booking: str = ""
) -> list[Preview]:
    """Fill in a template, or what a rule sends, for a store; with a sample, or a real booking.

    Raises Permanent for an unknown name or booking, CannotDecide for what cannot be filled in.
    """
    table = StateTable(open_dynamodb(settings.aws), settings.aws.session_table)
    book = load_in_force(settings, table).rulebook
    names = _templates(book, what)
    fields = tuple(book.fields.values())
    known = hide_person(_read_booking(settings, store, booking), fields) if booking else None
    shown = known or sample_bookings(fields)[0].model_copy(update={"store_id": store.id})
    prices = settings.prices.on(settings.make_clock().now().date())
    return [_preview(book, name, of_store, store, shown, prices) for name, of_store in names]


def _templates(book: Rulebook, what: str) -> list[tuple[str, bool]]:
    """Name the templates, each with whether it goes out from the store's own number."""
    if rules := [rule for rule in book.rules if rule.name == what]:
        calls = [call.parameters for call in rules[0].then if call.word == "send_sms"]
        if not calls:
            raise Permanent(_("rule {rule!r} sends no text message").format(rule=what))
        return [(call["template"], call["per_store"]) for call in calls]
    if what in book.templates:
        return [(what, book.templates[what].per_store)]
    known = [*book.templates, *(rule.name for rule in book.rules)]
    words = _("no template and no rule is called {name!r}; {hint}")
    raise Permanent(words.format(name=what, hint=suggest_nearest(what, known)))


def _preview(
    book: Rulebook,
    name: str,
    of_store: bool,
    store: Store,
    booking: Booking,
    prices: Mapping[str, float],
) -> Preview:
    template = book.templates[(store.templates or {}).get(name, name)]
    rendered = template.render(booking, store, _hidden(template, store, book.access))
    return Preview(
        template=template.name,
        store=store.alias,
        sender=(store.sender if of_store else None) or book.default_sender,
        message_type=rendered.message_type,
        content_type=rendered.content_type,
        longest=size_of(template, store, book),
        won=prices.get(rendered.message_type),
        subject=rendered.subject,
        text=rendered.text,
    )


def _hidden(template: Template, store: Store, access: Access | None) -> Access:
    """Give access data of the same length that open no door."""
    words = access_or_sample(template, store, access)[store.id]
    signs = {word: re.sub(r"\S", "*", code.get_secret_value()) for word, code in words.items()}
    return {store.id: {word: SecretStr(text) for word, text in signs.items()}}


def hide_person(booking: Booking, fields: tuple[Field, ...]) -> Booking:
    """Hide who has booked, with signs that take as many bytes: 김하나 becomes 김○○."""
    personal = {field.name for field in fields if field.personal}
    extra = {
        name: hide_letters(value) if name in personal and isinstance(value, str) else value
        for name, value in booking.extra.items()
    }
    return booking.model_copy(update={"name": hide_letters(booking.name), "extra": extra})


def hide_letters(text: str) -> str:
    """Leave the first letter, and put a sign of the same width in the place of each other one."""
    return text[:1] + re.sub(r"[^\W_]", lambda found: _cover(found[0]), text[1:])


def _cover(letter: str) -> str:
    return "*" if letter.isascii() else "○"


def _read_booking(settings: Settings, store: Store, booking: str) -> Booking:
    wanted = wanted_booking(settings, f"{store.alias} {booking.removeprefix(f'{store.id}_')}")
    run_id = f"preview-{uuid.uuid4()}"
    run = context.open_run(settings, run_id=run_id, door="cli", dry_run=True, only=[store.id])
    batch = steps.read_store(run, steps.restore_session(run), store.id)
    number = choose(run, wanted, {store.id: batch})
    validated = steps.check_quality(run, [batch])
    good = [b for checked in validated.stores for b in frames.to_bookings(checked.good)]
    for found in good:
        if found.booking_num == number:
            return found
    words = _("booking {number} is not listed, or quarantined: naverplace explain {number}")
    raise Permanent(words.format(number=number))


def send_test(settings: Settings, preview: Preview, to: OwnNumber) -> str:
    """Send one preview to the owner's own phone, marked as a test; returns SENS's request id.

    Its content is noted before, so that no reconciliation takes it for somebody else's. It counts
    for the phone's cap. Raises NaverPlaceError.
    """
    clock = settings.make_clock()
    sens = SensClient(settings.sens, clock)
    message = TestMessage(
        to,
        sender=preview.sender,
        subject=preview.subject,
        text=preview.text,
        long=preview.message_type == "LMS",
    )
    table = StateTable(open_dynamodb(settings.aws), settings.aws.session_table)
    record_test_message(table, message.fingerprint(sens), now=clock.now())
    counter = open_phone_counter(settings, table, clock, sens.find)
    return message.send(sens, partial(_counted, counter, to))


@contextmanager
def _counted(counter: PhoneCounter, to: OwnNumber) -> Iterator[None]:
    mark = counter.count(to.digits)
    try:
        yield
    except OutcomeUnknown:
        raise
    except NaverPlaceError:
        counter.uncount(to.digits, mark)
        raise
