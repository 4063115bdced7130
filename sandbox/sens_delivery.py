"""What becomes of an accepted message, by the world's clock (outside-services: SENS result).

SENS's own table of device and telco codes is not public: the codes here are invented, the reasons
are the usual ones of Korean telcos.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from sandbox.credentials import SensAccount
from sandbox.state import Raw, World

# Messages to these numbers are accepted and fail on their way.
MAGIC = {
    "01000009901": ("3001", "결번 또는 일시 정지된 번호"),
    "01000009902": ("3002", "단말기 전원 꺼짐"),
    "01000009903": ("3003", "음영 지역"),
    "01000009904": ("3004", "단말기 메시지 저장 공간 부족"),
    "01000009905": ("3005", "전송 시간 초과"),
    "01000009906": ("3006", "수신 거부된 발신번호"),
    "01000009907": ("3007", "스팸 차단"),
    "01000009908": ("3008", "번호 도용 차단 서비스 가입 번호"),
}
NEVER_DONE = "01000009999"  # stays PROCESSING for ever
NO_SUCH_FORM = ("2001", "수신번호 형식 오류")
NOT_EUC_KR = ("2002", "지원하지 않는 문자 포함")
OPTED_OUT = ("2003", "080 수신거부 번호")
TELCOS = ("SKT", "KTF", "LGT")
OWN = ("at", "original", "truncated", "unencodable", "failure")
NOT_LISTED = (*OWN, "subject", "content")


def destiny(account: SensAccount, message: Raw) -> tuple[str, str] | None:
    """Decide at acceptance how the message will fail; None when it will arrive."""
    to = message["to"]
    if not re.fullmatch(r"01[016789]\d{7,8}|050\d{8,9}", to) and message["countryCode"] == "82":
        return NO_SUCH_FORM
    if message["unencodable"]:
        return NOT_EUC_KR
    if message["contentType"] == "AD" and to in account.opted_out:
        return OPTED_OUT
    return MAGIC.get(to)


def delivery_of(world: World, message: Raw) -> Raw:
    """Give a copy of the message with its state as of now."""
    accepted = datetime.fromisoformat(message["at"])
    age = (world.now() - accepted).total_seconds()
    if age < world.sens.ready_seconds:
        return {**message, "status": "READY"}
    if age < world.sens.deliver_seconds or message["to"] == NEVER_DONE:
        return {**message, "status": "PROCESSING"}
    done = accepted + timedelta(seconds=world.sens.deliver_seconds)
    code, reason = message["failure"] or ("0", "성공")
    return {
        **message,
        "status": "COMPLETED",
        "statusCode": code,
        "statusName": "fail" if message["failure"] else "success",
        "statusMessage": reason,
        "completeTime": f"{done:%Y-%m-%d %H:%M:%S}",
        "telcoCode": TELCOS[int(message["to"]) % len(TELCOS)],
    }


def listed(world: World) -> list[Raw]:
    """List what a look-up can see: 90 days, and nothing younger than the lag."""
    now, lag = world.now(), world.sens.list_lag_seconds
    seen = []
    for message in world.messages:
        age = (now - datetime.fromisoformat(message["at"])).total_seconds()
        if age <= 90 * 86400 and (not lag or age >= lag):
            seen.append(delivery_of(world, message))
    return seen


def get_message(world: World, message_id: str) -> Raw | None:
    """Find one message by its id."""
    found = (m for m in listed(world) if m["messageId"] == message_id)
    return next(found, None)


def for_the_result(world: World, message: Raw) -> dict[str, Any]:
    """Word one message as the result call does, with its content."""
    shown = {name: value for name, value in message.items() if name not in OWN}
    return {"statusCode": "200", "statusName": "success", "messages": [{**shown, "files": []}]}


def for_the_list(message: Raw) -> Raw:
    """Word one message as the list call does: subject and content are not in it."""
    return {name: value for name, value in message.items() if name not in NOT_LISTED}
