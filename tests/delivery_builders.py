"""One delivery of invented effects: in this process, or as a process of its own to be killed."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.delivery.deliver import deliver
from naverplace.delivery.executor import EffectExecutor
from naverplace.domain.effects import Channel, CreateRecord, Effect, Notify, RecordKey, SendSms
from naverplace.domain.results import ActionResult
from naverplace.ledger.message_ledger import MessageLedger
from naverplace.messaging.owner_channels import open_channels
from naverplace.messaging.sens import SensClient
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings

STORE = "1051707"
FLAGS = {"confirmation": "confirm_sms", "guide": "remind_sms", "event": "option_sms"}


def key_of(number: int) -> RecordKey:
    """Key an invented booking; 10071 has the same phone as 71."""
    return RecordKey(f"{STORE}_{910000000 + number}", f"010-0000-{number % 10000:04}")


def item_of(number: int) -> dict[str, Any]:
    key = key_of(number)
    return {
        "booking_num": key.booking_num,
        "phone": key.phone,
        "name": "김하나",
        "booking_time": "2025-10-22 15:30:00",
        "confirm_sms": False,
        "remind_sms": False,
        "option_sms": False,
        "option_time": "",
    }


def a_record(number: int) -> CreateRecord:
    return CreateRecord(key_of(number), "new-booking", item_of(number))


def a_send(settings: Settings, number: int, kind: str = "guide") -> SendSms:
    return SendSms(
        key=key_of(number),
        rule="rule",
        kind=kind,
        store_id=STORE,
        template=kind,
        sender=settings.sens.default_sender,
        to=f"0100000{number % 10000:04}",
        subject="10/22 15:30 예약 안내",
        text=f"[안내] {kind} 10월 22일 15:30 예약 {number}번 손님, 출입문 1234# 입니다.",
        flag=FLAGS.get(kind),
        item=item_of(number),
    )


def a_notice(number: int, channel: Channel = "telegram") -> Notify:
    return Notify(
        key=key_of(number),
        rule="roster",
        kind="roster",
        channel=channel,
        store_id=STORE,
        text=f"예약 {number}: 보정 2장",
        item=item_of(number),
    )


def quick(settings: Settings, *, aws_attempts: int = 2, **sens: Any) -> Settings:
    """Let nobody wait: two tries, and a short time-out."""
    changes = {"attempts": 2, "retry_wait": 0.0, "read_timeout": 2.0, **sens}
    return settings.model_copy(
        update={
            "sens": settings.sens.model_copy(update=changes),
            "aws": settings.aws.model_copy(update={"attempts": aws_attempts}),
            "telegram": settings.telegram.model_copy(update={"retry_wait": 0.0, "timeout": 2.0}),
            "slack": settings.slack.model_copy(update={"retry_wait": 0.0, "timeout": 2.0}),
        }
    )


def open_table(settings: Settings) -> MessageLedger:
    return MessageLedger(open_dynamodb(settings.aws), settings.aws.sms_table)


def deliver_with(
    settings: Settings, effects: Sequence[Effect], *, run_id: str = "run", **options: Any
) -> list[ActionResult]:
    clock = settings.make_clock()
    carrier = EffectExecutor(
        table=open_table(settings),
        sens=SensClient(settings.sens, clock),
        channels=open_channels(settings),
        clock=clock,
        execution_id=run_id,
        ledger=settings.ledger,
        **options,
    )
    return deliver(effects, carrier)


def main() -> None:
    """Deliver one guide, and print how it ended."""
    settings = load_settings(env_file=None)
    results = deliver_with(settings, [a_send(settings, int(sys.argv[1]))], run_id=sys.argv[2])
    sys.stdout.write(json.dumps([result.outcome for result in results]))


if __name__ == "__main__":
    main()
