"""In what a booking's messages and items differ between the sides, with the class of each; pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from naverplace.domain.effects import RecordKey
from naverplace.domain.message_kinds import KIND_OF_FLAG
from naverplace.domain.stores import Store
from naverplace.migration.parity.booking_view import (
    TIME_FORMAT,
    TWO_HOURS,
    BookingView,
    cut,
    national,
    same_number,
    uncut,
)
from naverplace.migration.parity.legacy_texts import LegacyTexts
from naverplace.migration.parity.values import AcceptedId, Message, SystemOutput
from naverplace.pipeline.capture.inputs import Inputs

_DAYS = "월화수목금토일"
NOBODY = "고객"  # when nothing of a name can be sent
TIME = "booking_time"


def message_differences(
    legacy: Message,
    new: Message,
    *,
    kind: str,
    view: BookingView,
    texts: LegacyTexts,
    stores: Mapping[str, Store],
) -> Iterator[tuple[str, str]]:
    """Give every aspect in which two messages differ, with its class; '' for none."""
    if legacy.to != new.to:
        alike = national(legacy.to) == new.to == view.digits
        yield "recipient", AcceptedId.NATIONAL if alike else ""
    if legacy.sender != new.sender:
        yield "sender", ""
    store = stores.get(view.store_id)
    wanted = texts.of(kind)
    if legacy.subject != new.subject:
        named = wanted and store and new.subject == f"{wanted.subject_now} {store.alias}"
        yield "subject", AcceptedId.SUBJECT if named else ""
    if legacy.text != new.text:
        yield "text", _text_class(legacy, new, kind=kind, view=view, texts=texts, store=store)
    if lacking(legacy.text) or lacking(new.text):
        yield "signs", AcceptedId.SIGNS if lacking(legacy.text) and not lacking(new.text) else ""
    if (legacy.type, legacy.content_type) != (new.type, new.content_type):
        yield "type", ""


def _text_class(
    legacy: Message,
    new: Message,
    *,
    kind: str,
    view: BookingView,
    texts: LegacyTexts,
    store: Store | None,
) -> str:
    """Take out of the new text what may be added; what is left must be the legacy's, to a sign."""
    wanted = texts.of(kind)
    if wanted is None or store is None or view.start is None:
        return ""
    if kind == "guide" and (wanted.stores or {}).get(view.store_id) is None:
        # SENS refuses it, and nobody looks (L14, L17).
        return AcceptedId.ACCEPTANCE if not legacy.text else ""
    name = carried(view.name) or NOBODY
    own = {
        "name": name,
        "store": store.name,
        "start": in_words(view.start),
        "booking_num": view.number,
    }
    left, rest = "", new.text
    for piece in wanted.added:
        # Not one word after the other: a customer may be called {start}.
        filled = re.sub(r"\{(\w+)\}", lambda word: own[word[1]], piece)
        before, match, rest = rest.partition(filled)
        if not match:
            return ""
        left += before
    if (left + rest).strip() != without_lacking(legacy.text).strip():
        return ""
    return AcceptedId.NAMED if name == " ".join(view.name.split()) else AcceptedId.PLAIN


def lacking(text: str) -> int:
    """Count the signs that EUC-KR has no place for (L18)."""
    return sum(not sign.encode("euc_kr", "ignore") for sign in text)


def without_lacking(text: str) -> str:
    """Take those signs out, with the blanks around them."""
    lines = text.split("\n")
    return "\n".join(
        " ".join("".join(s for s in line if not lacking(s)).split()) if lacking(line) else line
        for line in lines
    )


def in_words(start: datetime) -> str:
    """Write a start as the texts do: 10월 22일(수) 오후 3:00."""
    half, hour = ("오전", start.hour) if start.hour < 12 else ("오후", start.hour - 12)
    day = f"{start.month}월 {start.day}일({_DAYS[start.weekday()]})"
    return f"{day} {half} {hour or 12}:{start.minute:02}"


LONGEST_NAME = 20  # bytes in EUC-KR
_ADDRESS_OR_NUMBER = re.compile(
    r"https?:|www\.|@|://|\w\.(com|net|org|kr|co|io|ly|me|to|gg|be|cc|tv|im|us|jp|cn|app|biz|info|link"
    r"|live|online|page|shop|site|store|top|vip|xyz|click)\b|\d(\W*\d){3}",
    re.IGNORECASE,
)


def carried(name: str) -> str:
    """Write a name as a text message can carry it: EUC-KR, ○ for other letters, no emoji.

    Written once more, apart from the code that it judges.
    """
    if _ADDRESS_OR_NUMBER.search(unicodedata.normalize("NFKC", name)):
        return ""
    signs = []
    for sign in unicodedata.normalize("NFC", " ".join(name.split())):
        bare = unicodedata.normalize("NFKD", sign)[0]
        letter = unicodedata.category(sign)[0] in "LN"
        dash = unicodedata.category(sign) == "Pd"
        known = (one for one in (sign, bare) if len(one.encode("euc_kr", "ignore")) in (1, 2))
        signs.append(next(known, "-" if dash else "○" if letter else ""))
    shown = " ".join("".join(signs).split())
    while len(shown.encode("euc_kr", "ignore")) > LONGEST_NAME:
        shown = shown[:-1]
    return shown.strip()


class FieldDifference(NamedTuple):
    """One field of a booking's items that the sides leave differently."""

    field: str
    legacy: Any
    new: Any
    because: str


class _View(NamedTuple):
    """A person's items after the run, taken together: a flag counts wherever it stands."""

    keys: frozenset[RecordKey]
    flags: Mapping[str, bool]
    time: str | None  # of the item that was written, else of the known one; None: no item


def keys_by_number(side: SystemOutput) -> dict[str, list[RecordKey]]:
    """Give the items that were written, by booking."""
    keys: dict[str, list[RecordKey]] = {}
    for key in side.flags:
        keys.setdefault(key.booking_num, []).append(key)
    return keys


def item_differences(
    view: BookingView,
    inputs: Inputs,
    *,
    sides: tuple[SystemOutput, SystemOutput],
    written: tuple[list[RecordKey], list[RecordKey]],
    decided: Mapping[str, tuple[str, bool]],
) -> Iterator[FieldDifference]:
    """Compare a booking's items after the run; `decided` has the class of every kind that differs,
    and whether it is the legacy that sends.

    A flag follows its message, so it has its message's class, on the side that sends; only moves
    and expired marks write without one.
    """
    if not written[0] and not written[1] and not view.moved:
        return
    for key in sorted({*written[0], *written[1]}):
        if not _is_theirs(key, view):
            was, now = ("written" if key in keys else "-" for keys in written)
            yield FieldDifference("item of another phone", was, now, "")
    old, new = (_view(view, inputs, s, k) for s, k in zip(sides, written, strict=True))
    for flag, kind in KIND_OF_FLAG.items():
        if old.flags[flag] != new.flags[flag]:
            because, legacy_sends = decided.get(kind, ("", False))
            if legacy_sends != old.flags[flag]:
                because = ""
            because = because or _of_move(view, flag, old, new) or _of_unfit(view, old, new)
            yield FieldDifference(flag, old.flags[flag], new.flags[flag], because)
    if old.time is None and new.time is not None:
        marked = view.fit and view.ahead <= timedelta() and not any(new.flags.values())
        unread = any(why == AcceptedId.DIED for why, _ in decided.values())
        because = AcceptedId.EXPIRED if marked else AcceptedId.DIED if unread else ""
        yield FieldDifference("item", "none", "made", because)
    elif old.time is not None and new.time is None and not any(why for why, _ in decided.values()):
        yield FieldDifference("item", "made", "none", _of_unfit(view, old, new))
    elif old.time and new.time and _moves(view):
        wanted = f"{view.start:{TIME_FORMAT}}"
        right = new.time == wanted
        if old.time != new.time or not right:
            yield FieldDifference(TIME, old.time, new.time, AcceptedId.MOVED if right else "")
    elif old.time and new.time and old.time != new.time:
        yield FieldDifference(TIME, old.time, new.time, "")
    if old.keys and new.keys and old.keys != new.keys:
        yield FieldDifference(
            "phone", "as it is written now", "as it was known", _of_key(view, old, new)
        )


def _view(view: BookingView, inputs: Inputs, side: SystemOutput, written: list[RecordKey]) -> _View:
    mine = {key for key in written if _is_theirs(key, view)}
    items = [side.flags[key] for key in sorted(mine)]
    before = [item for item in (view.own, *view.alike) if item and _key(item) not in mine]
    flags = {flag: any(i.get(flag) is True for i in (*items, *before)) for flag in KIND_OF_FLAG}
    shown = items[0] if items else view.known
    return _View(frozenset(mine), flags, str(shown.get(TIME)) if shown else None)


def _is_theirs(key: RecordKey, view: BookingView) -> bool:
    return key.phone == cut(view.phone) or same_number(uncut(key.phone), view.phone)


def _moves(view: BookingView) -> bool:
    """Tell whether the item must be brought to the new start: who is fit, and known."""
    return view.fit and view.moved


def _of_move(view: BookingView, flag: str, old: _View, new: _View) -> str:
    """A guide is owed anew for a new time whose window was not open yet."""
    anew = flag == "remind_sms" and _moves(view) and view.ahead > TWO_HOURS
    return AcceptedId.MOVED if anew and old.flags[flag] and not new.flags[flag] else ""


def _of_unfit(view: BookingView, old: _View, new: _View) -> str:
    """SENS refuses what cannot be a number, yet the legacy has noted it as sent (L14)."""
    return AcceptedId.UNFIT if not view.fit and old.keys and not new.keys else ""


def _of_key(view: BookingView, old: _View, new: _View) -> str:
    one_person = view.own is None and bool(view.alike)
    known = {_key(item) for item in view.alike}
    return AcceptedId.SPELLED if one_person and new.keys <= known and len(old.keys) == 1 else ""


def _key(item: Mapping[str, Any]) -> RecordKey:
    return RecordKey(str(item.get("booking_num")), str(item.get("phone")))
