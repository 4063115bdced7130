"""Whether a message says what the legacy's says, but for what was added on purpose; pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime

from naverplace.domain.stores import Store
from naverplace.migration.parity.booking_view import BookingView, national
from naverplace.migration.parity.legacy_texts import LegacyTexts
from naverplace.migration.parity.values import Message

_DAYS = "월화수목금토일"
NOBODY = "고객"  # when nothing of a name can be sent
NAMED, PLAIN = "messages-name-the-booking", "names-without-emoji"
SUBJECT, NATIONAL = "subjects-name-kind-and-store", "numbers-in-national-form"


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
        yield "recipient", NATIONAL if alike else ""
    if legacy.sender != new.sender:
        yield "sender", ""
    store = stores.get(view.store_id)
    wanted = texts.of(kind)
    if legacy.subject != new.subject:
        named = wanted and store and new.subject == f"{wanted.subject_now} {store.alias}"
        yield "subject", SUBJECT if named else ""
    if legacy.text != new.text:
        yield "text", _text_class(legacy, new, kind=kind, view=view, texts=texts, store=store)
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
    name = carried(view.name) or NOBODY
    own = {
        "name": name,
        "store": store.name,
        "start": in_words(view.start),
        "booking_num": view.number,
    }
    left, rest = "", new.text
    for piece in wanted.added:
        before, found, rest = rest.partition(_filled(piece, own))
        if not found:
            return ""
        left += before
    if (left + rest).strip() != legacy.text.strip():
        return ""
    return NAMED if name == " ".join(view.name.split()) else PLAIN


def _filled(piece: str, own: Mapping[str, str]) -> str:
    # Not one after the other: a customer may be called {start}.
    parts = piece.split("{")
    return parts[0] + "".join(
        own[word] + rest for word, _, rest in (part.partition("}") for part in parts[1:])
    )


def in_words(start: datetime) -> str:
    """Write a start as the texts do: 10월 22일(수) 오후 3:00."""
    half, hour = ("오전", start.hour) if start.hour < 12 else ("오후", start.hour - 12)
    day = f"{start.month}월 {start.day}일({_DAYS[start.weekday()]})"
    return f"{day} {half} {hour or 12}:{start.minute:02}"


def carried(name: str) -> str:
    """Write a name as a text message can carry it: EUC-KR, ○ for other letters, no emoji."""
    signs = []
    for sign in unicodedata.normalize("NFC", " ".join(name.split())):
        known = len(sign.encode("euc_kr", "ignore"))
        letter = unicodedata.category(sign)[0] in "LN"
        signs.append(sign if known in (1, 2) else "○" if letter else "")
    return " ".join("".join(signs).split())
