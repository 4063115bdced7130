"""Where a real run of the modelled legacy goes; its own names, LEGACY_*."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from legacy.ports import Texts

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


@dataclass(frozen=True)
class LegacySettings:
    """Everything that the legacy has in its code and its environment."""

    username: str = field(repr=False)
    password: str = field(repr=False)
    nid_url: str
    www_url: str
    smartplace_url: str
    partner_url: str
    sens_url: str
    sens_service_id: str
    sens_access_key: str = field(repr=False)
    sens_secret_key: str = field(repr=False)
    telegram_url: str
    telegram_token: str = field(repr=False)
    telegram_chat: str
    texts: Texts
    aws_endpoint: str | None = None
    region: str = "ap-northeast-2"
    sms_table: str = "sms"
    session_table: str = "session"
    store_ids: tuple[str, ...] = STORE_IDS
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Seoul"))  # L23: unknown
    clock_offset: float = 0.0  # seconds; simulations
    pause: float = 1.0  # after each page (L9)
    check_in_browser: bool = True  # on every cold start (L3)
    warm_start: bool = False  # a second run in one process; how often is unknown (L30)
    arrived: str = "naver.com"  # in the address when the login is over, and before (L2)
    chromium: str = "/usr/bin/chromium"
    chromedriver: str = "/usr/bin/chromedriver"


def invented_texts(sender: str, store_ids: tuple[str, ...] = STORE_IDS) -> Texts:
    """Make texts like the stored ones; they do not tell the booking's time, as the legacy's."""
    return Texts(
        subject="스튜디오 안내",
        confirmation="[스튜디오] 예약이 확정되었습니다. 이용 두 시간 전에 안내를 보내 드립니다.",
        event="[스튜디오] 이용해 주셔서 감사합니다. 리뷰를 남기시면 사진을 더 인화해 드립니다.",
        guides={s: f"[스튜디오 {s}] 출입문 비밀번호는 0000 입니다." for s in store_ids},
        sender=sender,
    )


def from_sandbox(
    env: Mapping[str, str],
    *,
    check_in_browser: bool = False,
    pause: float = 0.0,
    texts: Texts | None = None,
) -> LegacySettings:
    """Read the variables that point the new system at a sandbox; by default nobody waits."""

    def of(name: str) -> str:
        return env[f"NAVERPLACE_{name}"]

    return LegacySettings(
        username=of("NAVER__USERNAME"),
        password=of("NAVER__PASSWORD"),
        nid_url=of("NAVER__NID_URL"),
        www_url=of("NAVER__WWW_URL"),
        smartplace_url=of("NAVER__SMARTPLACE_URL"),
        partner_url=of("NAVER__PARTNER_URL"),
        sens_url=of("SENS__URL"),
        sens_service_id=of("SENS__SERVICE_ID"),
        sens_access_key=of("SENS__ACCESS_KEY"),
        sens_secret_key=of("SENS__SECRET_KEY"),
        telegram_url=of("TELEGRAM__URL"),
        telegram_token=of("TELEGRAM__BOT_TOKEN"),
        telegram_chat=of("TELEGRAM__CHAT_ID"),
        texts=texts or invented_texts(of("SENS__DEFAULT_SENDER")),
        aws_endpoint=env.get("NAVERPLACE_AWS__ENDPOINT_URL"),
        clock_offset=float(env.get("NAVERPLACE_CLOCK__OFFSET_SECONDS", "0")),
        pause=pause,
        check_in_browser=check_in_browser,
        arrived=urlsplit(of("NAVER__NID_URL")).netloc,  # the sandbox's naver.com
    )
