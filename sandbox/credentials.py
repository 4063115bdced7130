"""Every credential of the sandbox: invented, recognisable as fake, and awkward to hide.

They hold quotes, backslashes, plus signs and slashes, so that a leak in URL-encoded, JSON-escaped
or base64 form is a different text from the plain one, and tests can search for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

STORE_IDS = (
    "1051707",
    "951291",
    "1120125",
    "1285716",
    "1462519",
    "1473826",
    "1466783",
    "867589",
)


@dataclass
class SensAccount:
    """The shop's SENS service: its id, its keys, the numbers it may send from, and its moods."""

    service_id: str = "ncp:sms:kr:000000000000:sandbox"
    access_key: str = "SandboxAccessKey+0001"
    secret_key: str = 'sandbox/secret+key"with\\signs=='
    senders: set[str] = field(
        default_factory=lambda: {"0310000000", *(f"031000{n:04}" for n in range(1, 10))}
    )
    default_sender: str = "0310000000"
    opted_out: dict[str, str] = field(default_factory=dict)  # number -> since when
    opt_out_number: str | None = "0800000000"  # without one, contentType AD is refused
    ready_seconds: float = 1.0  # until a message turns from READY to PROCESSING
    deliver_seconds: float = 3.0  # until it is COMPLETED
    list_lag_seconds: float = 0.0  # until a message can be looked up
    empty_list_is_404: bool = False  # without a body, as one public source has seen it
    # signs that EUC-KR lacks: refused, else accepted and failed at delivery; which is unknown
    refuses_unencodable: bool = False


@dataclass
class TelegramBot:
    """The owner's bot, and the chats that it may write to."""

    token: str = "1000000001:AASandbox-Bot_Token-not-a-real-one-00"
    name: str = "naverplace_sandbox_bot"
    chats: dict[str, str] = field(default_factory=lambda: {"-1000000000001": "사장님 알림방"})

    blocked: bool = False
    migrated_to: int | None = None
    per_minute: int | None = None  # more messages a minute to one chat are refused with 429

    @property
    def chat_id(self) -> str:
        return next(iter(self.chats))


@dataclass
class SlackHook:
    """The incoming webhook; `state` tells what it answers when it is not alive."""

    path: str = "/services/TSANDBOX0/BSANDBOX0/Not+A+Real+Hook"
    state: str = "alive"  # or no_service, no_team, channel_is_archived, action_prohibited, ...


@dataclass
class AwsAccount:
    """The AWS account, as the keys of boto3's own chain; moto takes any."""

    access_key_id: str = "AKIASANDBOX000000000"
    secret_access_key: str = "sandbox+aws/secret/key+0000000000000000"
    region: str = "ap-northeast-2"


def access_codes() -> dict[str, dict[str, str]]:
    """Invent a door code and a Wi-Fi key for every store."""
    return {
        store: {"door_code": f"{7301 + 37 * n}*#{n}", "wifi_key": f'sand+box\\wifi"{n:03}/{store}'}
        for n, store in enumerate(STORE_IDS)
    }
