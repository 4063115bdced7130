"""Finding the booking that a person means: by number, by store and number, by phone or by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.errors import Permanent
from naverplace.base.korean_text import compose
from naverplace.base.phone import normalise_phone
from naverplace.base.translation import gettext as _
from naverplace.domain.booking import visitor_phone
from naverplace.domain.effects import store_of_booking
from naverplace.ledger.scan import LedgerScan, digits_of
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.rulebook_in_force import read_known_stores
from naverplace.pipeline.steps import StoreBatch
from naverplace.quality import frames
from naverplace.settings.schema import Settings


class SeveralBookings(Permanent):
    """What was said fits several bookings; names them, so that the person can choose."""

    def __init__(self, who: str, choices: Sequence[str]) -> None:
        words = _("{who!r} fits {count} bookings; say which:").format(who=who, count=len(choices))
        super().__init__("\n".join([words, *choices]))


@dataclass(frozen=True)
class WantedBooking:
    """What a person said, read as far as it can be without looking."""

    who: str = field(repr=False)
    stores: Sequence[str]  # where to look; empty: everywhere
    number: str = ""  # Naver's booking id
    phone: str = field(default="", repr=False)  # national digits
    name: str = field(default="", repr=False)


def wanted_booking(settings: Settings, who: str) -> WantedBooking:
    """Read 1051707_1000000016, 화성점 1000000016, 화성점 예약 1000000016, a phone, or a name.

    Raises Permanent when nothing is said, or a store that is not in stores.yaml.
    """
    said = " ".join(who.split())
    if not said:
        words = _("say which booking: its number, store and number, a phone, or a name")
        raise Permanent(words)
    dynamodb = StateTable(open_dynamodb(settings.aws), settings.aws.session_table)
    stores = read_known_stores(settings, dynamodb)
    if exact := re.fullmatch(r"(\d+)_(\d+)", said):
        if exact[1] not in stores:
            words = _("store {store} of booking {booking} is not in {file}")
            file = settings.stores_file
            raise Permanent(words.format(store=exact[1], booking=said, file=file))
        return WantedBooking(who, [exact[1]], number=exact[2])
    names = {word: s.id for s in stores.values() for word in (s.alias, s.name, s.id)}
    store, rest = _without_store(said, names)
    # A phone begins with 0 or its country; a booking's number with neither.
    if re.fullmatch(r"(?!82)[1-9]\d{3,}", rest):
        return WantedBooking(who, store, number=rest)
    try:
        return WantedBooking(who, store, phone=normalise_phone(rest))
    except ValueError:
        return WantedBooking(who, store, name=compose(rest))


def _without_store(said: str, names: dict[str, str]) -> tuple[list[str], str]:
    for word in sorted(names, key=len, reverse=True):
        if said.startswith(f"{word} "):
            return [names[word]], said[len(word) :].strip().removeprefix("예약").strip()
    return [], said


def choose(
    run: RunContext, wanted: WantedBooking, read: Mapping[str, StoreBatch | Exception]
) -> str:
    """Give the number of the one booking that is meant, of what was read by store.

    First among what Naver lists; else, for a phone, in the whole ledger. Raises SeveralBookings,
    or Permanent when there is none, naming the stores that could not be read.
    """
    if wanted.number and len(run.stores) == 1:
        return f"{next(iter(run.stores))}_{wanted.number}"
    starts = _("starts {start}, {phone}")
    found = {
        f"{batch.store_id}_{row['booking_id']}": starts.format(
            start=row["start_text"], phone=row["phone_shape"]
        )
        for batch in read.values()
        if isinstance(batch, StoreBatch) and batch.frame is not None
        for row in frames.frame_rows(batch.frame)
        if _fits(wanted, row)
    }
    if not found and wanted.phone:
        records = LedgerScan(run.table.records.table.client, run.settings.aws.sms_table).scan()
        found = {
            record.key.booking_num: _("starts {start}, in the ledger only").format(
                start=record.booking_time
            )
            for record in records
            if digits_of(record.key.phone) == wanted.phone
            and store_of_booking(record.key.booking_num) in run.stores
        }
    if not found:
        unread = [run.stores[s].alias for s, one in read.items() if isinstance(one, Exception)]
        words = _("no booking fits: Naver lists none, and the ledger knows of none")
        rest = _("; not read: {stores}").format(stores=", ".join(unread)) if unread else ""
        raise Permanent(words + rest)
    if len(found) > 1:
        alias = {num: run.all_stores[store_of_booking(num)].alias for num in found}
        raise SeveralBookings(
            wanted.who, [f"{num} ({alias[num]}), {said}" for num, said in found.items()]
        )
    return next(iter(found))


def _fits(wanted: WantedBooking, row: Mapping[str, Any]) -> bool:
    if wanted.number:
        return str(row["booking_id"]) == wanted.number
    if wanted.phone:
        return wanted.phone in (row["phone"], visitor_phone(row["extra"]))
    return wanted.name in str(row["name"])
