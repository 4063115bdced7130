"""What the owner reads in the course of hours: real runs, in the sandbox and by its clock."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from naverplace.pipeline.local_runner import run_once
from naverplace.reporting.report import RunReport
from naverplace.settings.loader import load_settings
from sandbox.control_bookings import change_bookings
from sandbox.faults import Fault
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
STORE = "1051707"  # 화성점
SUMMARY = """\
channels: {telegram: {enabled: true}, slack: {enabled: true}}
alerts: [telegram, slack]
summary: SUMMARY
"""


class Day:
    """One shop for some hours: runs every twenty minutes, and what its owner reads of them."""

    def __init__(self, world: Sandbox, env: dict[str, str], rules: Path) -> None:
        self.world, self.env, self.rules = world, env, rules
        self.heard, self.runs = 0, 0

    def routing(self, summary: str, *, slack: bool = False) -> None:
        text = SUMMARY.replace("SUMMARY", summary)
        text = text if slack else text.replace(", slack: {enabled: true}", "")
        (self.rules / "notifications.yaml").write_text(text, "utf-8")

    def run(self, minutes: float = 20, *, door: str = "flow", **options: Any) -> RunReport:
        self.world.world.advance(minutes * 60)
        self.runs += 1
        env = {**self.env, **self.world.environment(), "NAVERPLACE_RULES_DIR": str(self.rules)}
        settings = load_settings(env=env, env_file=None)
        return run_once(settings, run_id=f"run-{self.runs}", door=door, **options)

    def reads(self) -> list[str]:
        """Give what has come on Telegram since the last time."""
        texts = [str(message["text"]) for message in self.world.world.telegram[self.heard :]]
        self.heard += len(texts)
        return texts

    def book(self, *, hours: float = 30, **given: Any) -> dict[str, Any]:
        start = (self.world.world.now() + timedelta(hours=hours)).replace(microsecond=0)
        order = {"action": "add", "store": STORE, "start": start.isoformat(), **given}
        return change_bookings(self.world.world, order)

    def breaks(self, service: str, **fault: Any) -> None:
        self.world.world.faults.append(Fault(service, **{"times": None, **fault}))

    def mended(self) -> None:
        self.world.world.faults.clear()


@pytest.fixture
def day(
    world: Sandbox, world_env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Day:
    monkeypatch.chdir(ROOT)
    rules = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", rules)
    fixed = {n: v for n, v in world_env.items() if n not in world.environment()}
    day = Day(world, fixed, rules)
    day.run(0)
    return day


def test_what_goes_out_is_collected_and_a_run_without_news_says_nothing(day: Day) -> None:
    (first,) = day.reads()
    assert first.startswith("✅")
    assert "문자 2건 접수" in first

    for minutes in (60, 60, 61):
        day.book(phone=f"010000010{minutes}")
        day.run(minutes)
    (collected,) = day.reads()

    assert "문자 3건 접수" in collected
    assert "- 화성점: 예약확정 3" in collected
    assert day.run(200).status == "success"
    assert day.reads() == []


def test_the_evening_brings_one_digest_and_the_night_nothing(day: Day) -> None:
    day.reads()
    now = day.world.world.now()
    evening = now.replace(hour=21, minute=1)
    day.run((evening - now).total_seconds() / 60)
    (digest,) = day.reads()
    assert "하루 정리" in digest
    assert "보낼 문자 2건 = 접수 2 + 시간 지남 0 + 필요 없어짐 0 + 대기 0" in digest

    day.run()
    day.book(phone="01000001001")
    day.run(120)
    assert day.reads() == []
    day.run(10 * 60)
    assert "- 화성점: 예약확정 1" in "".join(day.reads())


def test_a_bad_booking_is_told_once_and_again_when_something_else_is_wrong_with_it(
    day: Day,
) -> None:
    day.reads()
    raw = day.book(phone="02-000-0000")
    day.run()
    (told,) = day.reads()
    assert "확인할 예약이 있습니다" in told
    assert f"- 화성점 예약 {raw['bookingId']}: 전화번호 이상" in told

    day.run()
    day.run(70)
    assert day.reads() == []
    order = {"action": "change", "store": STORE, "booking_id": raw["bookingId"]}
    change_bookings(day.world.world, {**order, "changes": {"phone": ""}})
    day.run()

    assert "확인할 예약이 있습니다" in "".join(day.reads())


def test_an_outage_of_dynamodb_is_told_once_and_so_is_its_end(day: Day) -> None:
    day.reads()
    day.breaks("aws", kind="status:500")
    for _ in range(3):
        assert day.run().status == "failed"
    (told,) = day.reads()
    assert "장부(DynamoDB)를 읽고 쓸 수 없습니다" in told
    (file,) = Path(tempfile.gettempdir()).glob(f"naverplace-{os.getuid()}/*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    day.mended()
    day.run()

    (ended,) = day.reads()
    assert "끝났습니다: 장부(DynamoDB)를 읽고 쓸 수 없습니다" in ended
    assert not file.exists()
    day.run()
    assert day.reads() == []


def test_a_store_that_cannot_be_read_is_told_reminded_and_ended_once_each(day: Day) -> None:
    day.reads()
    day.breaks("partner", match=f"businesses/{STORE}/", kind="status:422")
    for minutes in (20, 30, 31, 90):
        day.run(minutes)
    told, reminded = day.reads()
    assert told.startswith("⚠️")
    assert "- 화성점: " in told
    assert "부터 그대로입니다: 예약을 읽지 못한 매장이 있습니다" in reminded

    day.mended()
    day.run()

    (ended,) = day.reads()
    assert "끝났습니다: 예약을 읽지 못한 매장이 있습니다" in ended


def test_a_run_of_another_store_does_not_end_it(day: Day) -> None:
    day.breaks("partner", match=f"businesses/{STORE}/", kind="status:422")
    day.run()
    day.mended()
    day.reads()

    day.run(only=["951291"])

    assert day.reads() == []


def test_a_dry_run_tells_only_its_caller(day: Day) -> None:
    day.reads()
    day.book(phone="02-000-0000")
    day.breaks("partner", match=f"businesses/{STORE}/", kind="status:422")

    report = day.run(dry_run=True)

    assert report.status == "failed"
    assert day.reads() == []
    day.run()
    assert len(day.reads()) == 1


def test_what_no_channel_took_is_told_by_the_next_run_and_the_channel_too(day: Day) -> None:
    day.routing("{}", slack=True)
    day.reads()
    day.breaks("telegram", kind="status:500")
    day.breaks("slack", kind="status:500")
    day.breaks("partner", match=f"businesses/{STORE}/", kind="status:422")
    untold = day.run()
    assert any("did not reach telegram" in problem for problem in untold.problems)
    day.world.world.faults[:] = [f for f in day.world.world.faults if f.service != "slack"]
    slack = len(day.world.world.slack)

    day.run()

    texts = [str(message) for message in day.world.world.slack[slack:]]
    assert len(texts) == 2
    assert "예약을 읽지 못한 매장이 있습니다" in texts[0]
    assert "알림이 가지 않는 채널이 있습니다" in texts[1]
    assert "telegram" in texts[1]


def test_a_channel_that_works_again_says_so_itself_although_nothing_else_is_to_tell(
    day: Day,
) -> None:
    day.routing("{}", slack=True)
    day.run()
    day.breaks("slack", kind="status:500")
    day.book(phone="12345")
    day.run()
    day.reads()
    slack = len(day.world.world.slack)

    day.run()
    assert day.reads() == []
    day.mended()
    report = day.run()
    day.run()

    assert report.status == "success"
    (told,) = day.reads()
    (own,) = [str(message) for message in day.world.world.slack[slack:]]
    over = "끝났습니다: 알림이 가지 않는 채널이 있습니다"
    assert told.endswith(f"{over}\n- slack")
    assert over in own


def test_a_lost_message_is_an_alert_and_fails_its_run_even_without_summaries(day: Day) -> None:
    day.routing("[]")
    day.book(phone="01000001001", hours=1)
    day.breaks("sens", kind="status:401")
    day.run()
    day.reads()
    day.breaks("telegram", kind="status:500")
    lost = day.run(70)
    assert lost.status == "failed"
    assert {row["kind"] for row in lost.expired} >= {"guide"}
    day.mended()

    day.run()
    told = "".join(day.reads())
    day.run()

    assert "시간이 지나 보내지 못한 문자가 있습니다" in told
    assert "시간이 지나" not in "".join(day.reads())


def test_always_is_the_legacys_way_one_message_a_run(day: Day) -> None:
    day.routing("{when: always}")
    day.reads()
    day.run()
    day.breaks("partner", match=f"businesses/{STORE}/", kind="status:422")
    day.run()
    day.run()

    quiet, failed, again = day.reads()

    assert "문자 발송 대상 없음" in quiet
    assert failed.startswith("🚨")
    assert again.startswith("🚨")


def test_a_report_that_is_repeated_counts_once(day: Day) -> None:
    day.reads()
    day.book(phone="01000001001")
    day.run(200)
    day.runs -= 1
    day.run(1)  # the same id once more

    assert "문자 1건 접수" in "".join(day.reads())


def test_what_a_retry_under_the_same_id_sends_is_counted_too(day: Day) -> None:
    day.reads()
    day.book(phone="01000001001")
    day.run(200)
    day.book(phone="01000001002")
    day.runs -= 1
    day.run(190)

    assert "".join(day.reads()).count("문자 1건 접수") == 2
