"""What the nightly jobs find: messages and records that were planted at SENS and in the table."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

from trials.day.planting import FIRST, NEW_IDS
from trials.day.player import Player


def foreign_message(player: Player) -> None:
    """Let somebody else send with the shop's SENS service."""
    from sandbox.sens import _accept

    message = {"to": "01000009800", "subject": "[공지] 다른 가게", "content": "다음 주 할인"}
    sent = {"type": "LMS", "contentType": "COMM", "countryCode": "82", "from": "0310000000"}
    with player.world.lock:
        _accept(player.world, {**sent, **message, "messages": [message]})
        player.not_ours.add(player.world.messages[-1]["requestId"])


def sent_once_more(player: Player) -> None:
    """Let somebody send again, by another program, what we have sent today."""
    now = player.world.now()
    with player.world.lock:
        again = {**_sent_today(player)[-1], "requestId": "RSLA-again", "messageId": "RSLA-again-0"}
        again |= {"at": now.isoformat(), "requestTime": f"{now:%Y-%m-%d %H:%M:%S}"}
        player.world.messages.append(again)
        player.not_ours.add(again["requestId"])


def lost_at_sens(player: Player) -> None:
    """Let SENS know nothing of a message that it has taken; the phone got it."""
    with player.world.lock:
        lost = _sent_today(player)[0]
        player.world.messages.remove(lost)
    player.lost.append(lost)


def _sent_today(player: Player) -> list[dict[str, Any]]:
    today = player.world.now().replace(hour=0, minute=0).isoformat()
    found = [m for m in player.world.messages if m["at"] >= today and m["failure"] is None]
    return [m for m in found if m["requestId"] not in player.not_ours]


def never_finished(player: Player) -> None:
    """Let a message of four days ago still have no result."""
    from sandbox.sens import _accept
    from sandbox.sens_delivery import NEVER_DONE

    sent_at = player.world.now() - timedelta(days=3, hours=12)
    message = {"to": NEVER_DONE, "subject": "[예약확정] 화성점", "content": "예약 고맙습니다"}
    sent = {"type": "LMS", "contentType": "COMM", "countryCode": "82", "from": "0310000000"}
    with player.world.lock:
        _accept(player.world, {**sent, **message, "messages": [message]})
        stored = player.world.messages[-1]
        stored |= {"at": sent_at.isoformat(), "requestTime": f"{sent_at:%Y-%m-%d %H:%M:%S}"}
        player.not_ours.add(stored["requestId"])
    entry = {"state": "accepted", "request_id": stored["requestId"], "attempt": 1}
    settled = f"{sent_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    player.sandbox.put_sms_item(
        {
            "booking_num": f"{FIRST}_{NEW_IDS}",
            "phone": f"{NEVER_DONE[:3]}-{NEVER_DONE[3:7]}-{NEVER_DONE[7:]}",
            "name": "나무늘보",
            "booking_time": f"{sent_at + timedelta(days=1):%Y-%m-%d %H:%M:%S}",
            **dict.fromkeys(("confirm_sms", "remind_sms"), True),
            "option_sms": False,
            "option_time": "",
            "message_confirmation": {**entry, "claimed_at": settled, "settled_at": settled},
        }
    )


def forgotten_record(player: Player) -> None:
    """Leave the record of a booking of two years ago, of a store that nobody knows any more."""
    player.sandbox.put_sms_item(
        {
            "booking_num": "999999_1",
            "phone": "010-0000-9700",
            "name": "나무늘보",
            "booking_time": "2024-03-01 10:00:00",
            **dict.fromkeys(("confirm_sms", "remind_sms", "option_sms"), True),
            "option_time": "",
        }
    )
