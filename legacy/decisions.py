"""What the legacy decides and does, booking after booking (L11-L17)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from legacy.bookings import Booking, new_item
from legacy.ports import Item, World

TWO_HOURS = timedelta(hours=2)
EVENING = 20
NOTHING = "문자 발송 대상 없음"
FAILED = "요청중 오류 발생"


def reservation_check(world: World, bookings: Iterable[Booking]) -> list[str]:
    """Confirm and guide the confirmed bookings of all stores; return the result lines."""
    lines: list[str] = []
    for booking in bookings:
        try:
            world.out(f"{booking.name} {booking.phone}")  # L21
            item = _item(world, booking)
            if item is None:
                _new(world, booking, lines)
            else:
                _known(world, booking, item, lines)
        except Exception as error:  # noqa: BLE001 - L17: one line, and on it goes
            world.swallowed("L17", error)
            lines.append(f"{booking.phone} 안내 문자 발송 실패")
    return lines


def _item(world: World, booking: Booking) -> Item | None:
    """Read the item; any error counts as 'no item' (L15)."""
    try:
        return world.table.get(booking.booking_num, booking.phone)
    except Exception as error:  # noqa: BLE001 - L15
        world.swallowed("L15", error)
        return None


def _new(world: World, booking: Booking, lines: list[str]) -> None:
    """Put the item first, then send (L11, L14); past bookings too (L26)."""
    in_window = booking.start - TWO_HOURS <= world.now() < booking.start  # two hours included
    world.table.put(new_item(booking, remind=in_window))
    _send(world, booking, "confirmation", lines, "예약확정 문자 발송 완료")
    if in_window:
        _send(world, booking, "guide", lines, "안내 문자 발송 완료")


def _known(world: World, booking: Booking, item: Item, lines: list[str]) -> None:
    """Guide a known booking in its last two hours, both ends excluded (L12)."""
    if not is_false(item["remind_sms"]):
        return  # also when the booking has been moved since (L16)
    if not (booking.start > world.now() and booking.start - world.now() < TWO_HOURS):  # L29
        return
    if is_false(item["confirm_sms"]):
        world.table.set_flag(booking.booking_num, booking.phone, "confirm_sms")
        _send(world, booking, "confirmation", lines, "예약확정 문자 발송 완료")
    world.table.set_flag(booking.booking_num, booking.phone, "remind_sms")
    _send(world, booking, "guide", lines, "안내 문자 발송 완료")


def is_false(flag: Any) -> bool:
    """Tell whether a flag equals False: 0 does; null, and what is empty, do not (L12, L13)."""
    return bool(flag == False)  # noqa: E712


def option_sms_check(world: World, bookings: Iterable[Booking]) -> list[str]:
    """Send the event to completed bookings with a review option, at 20 o'clock only (L13)."""
    lines: list[str] = []
    if world.now().hour != EVENING:
        return lines
    for booking in bookings:
        try:
            item = _item(world, booking)
            if item is None or not is_false(item["option_sms"]) or not booking.option:
                continue
            world.table.set_flag(booking.booking_num, booking.phone, "option_sms")
            _send(world, booking, "event", lines, "옵션 문자 발송 완료")
        except Exception as error:  # noqa: BLE001 - L17
            world.swallowed("L17", error)
            lines.append(f"{booking.phone} 옵션 문자 발송 실패")
    return lines


def _send(world: World, booking: Booking, kind: str, lines: list[str], words: str) -> None:
    world.sens.send(world.texts.message(kind, booking.store_id, booking.phone))
    lines.append(f"{booking.phone} {words}")


def telegram_text(lines: list[str]) -> str:
    """Word the one message of a run, full phone numbers and all (L20)."""
    return "\n".join(lines) if lines else NOTHING
