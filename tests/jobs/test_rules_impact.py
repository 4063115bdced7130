"""What a change of the rules would have changed, by captured runs; nothing is sent."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from naverplace.cli.app import app
from naverplace.jobs.rules_impact import Alarm, Impact, MessageChange, RulesSide, compare_rules
from naverplace.pipeline.capture.golden_set import write_golden
from naverplace.pipeline.capture.inputs import Inputs
from naverplace.pipeline.local_runner import run_once
from naverplace.rules.impact_limits import ImpactLimits
from naverplace.rules.rulebook import load_rulebook
from naverplace.rules.text_sizes import with_sample_access
from naverplace.settings.loader import load_settings
from naverplace.settings.sections import QualitySettings
from sandbox.naver.bookings import a_booking as a_raw
from sandbox.naver.lifecycle import complete
from sandbox.server import Sandbox
from tests.rule_builders import DEFAULT_SENDER, STORE, at

ROOT = Path(__file__).resolve().parents[2]
STORES = ROOT / "deployments/stores.yaml"
NOON = at("2025-10-22 12:02")
Change = Callable[[Path], None]


def a_day(bookings: Sequence[dict[str, Any]], *, hours: int = 10) -> Iterator[Inputs]:
    """Capture a run every 20 minutes, at which Naver lists all these bookings."""
    for count in range(hours * 3):
        now = NOON + timedelta(minutes=20 * count)
        for raw in bookings:
            end = raw["snapshotJson"]["endDateTime"]
            if datetime.fromisoformat(end) <= now and raw["bookingStatusCode"] == "RC03":
                complete(raw, at=now)
        by_status = {
            status: [
                json.loads(json.dumps(r)) for r in bookings if r["bookingStatusCode"] == status
            ]
            for status in ("RC03", "RC08")
        }
        yield Inputs(f"r{count}", now, (STORE,), by_status["RC03"], by_status["RC08"], {})


def bookings(count: int = 3) -> list[dict[str, Any]]:
    review = [("네이버 포토리뷰", 1)]
    return [
        a_raw(STORE, n, NOON + timedelta(hours=4), phone=f"0100000{n:04}", options=review)
        for n in range(1, count + 1)
    ]


def changed(folder: Path, *changes: tuple[str, str, str]) -> Path:
    """Copy the shipped rules, and replace words in their files."""
    shutil.copytree(ROOT / "rules", folder)
    for name, old, new in changes:
        text = (folder / name).read_text("utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), "utf-8")
    return folder


def a_side(folder: Path) -> RulesSide:
    book = load_rulebook(folder, STORES, default_sender=DEFAULT_SENDER)
    return RulesSide(with_sample_access(book), QualitySettings())


def impact(
    tmp_path: Path, *changes: tuple[str, str, str], limits: ImpactLimits | None = None
) -> Impact:
    new = a_side(changed(tmp_path / "new", *changes))
    return compare_rules(a_day(bookings()), a_side(ROOT / "rules"), new, limits or ImpactLimits())


HOURS = ("reminders.yaml", "time_before_booking: {hours: 2}", "time_before_booking: {hours: %s}")
EVENT_HOUR = ("reminders.yaml", "current_hour: 20", "current_hour: %s")


def with_value(change: tuple[str, str, str], value: object) -> tuple[str, str, str]:
    return (*change[:2], change[2] % value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("reminders.yaml", "20", "20"), {}),
        (with_value(HOURS, 3), {("guide", MessageChange.EARLIER): 3}),
        (with_value(HOURS, 1), {("guide", MessageChange.LATER): 3}),
        (
            ("reminders.yaml", "[네이버, 인스타, 원본]", "[인스타, 원본]"),
            {("event", MessageChange.FEWER): 3},
        ),
        (
            ("templates.yaml", "감사합니다.", "고맙습니다."),
            {("confirmation", MessageChange.OTHER_TEXT): 3},
        ),
        (("examples.yaml", "", ""), {}),
    ],
)
def test_each_message_is_of_one_class(
    tmp_path: Path, change: tuple[str, str, str], expected: dict[tuple[str, MessageChange], int]
) -> None:
    found = impact(tmp_path, change)

    told = Counter((one.name.kind, one.difference) for one in found.changed)
    assert told == Counter(expected)
    assert found.counts[MessageChange.UNCHANGED] == 9 - sum(expected.values())
    assert sum(found.counts.values()) == 9
    assert not found.alarms


def test_a_message_of_its_own_at_night_to_everybody_alarms_and_exceeds_the_limit(
    tmp_path: Path,
) -> None:
    rule = (
        "- rule: night\n  when: [booking_in_db, current_hour: 21]\n"
        "  then: [send_sms: {template: confirmation, once: again}]\n\n- rule: new-booking"
    )

    found = impact(
        tmp_path, ("reminders.yaml", "- rule: new-booking", rule), limits=ImpactLimits(max_more=2)
    )

    assert (found.counts[MessageChange.MORE], found.exceeded) == (3, ["max_more"])
    assert {alarm: len(ones) for alarm, ones in found.alarms.items()} == {
        Alarm.NIGHT: 3,
        Alarm.TWICE: 3,
    }
    assert found.cost({"SMS": 10, "LMS": 33}) == 99
    said = json.dumps(found.as_json({}), ensure_ascii=False)
    assert "010-****-0001" in said
    assert "01000000001" not in said


def typed(env: dict[str, str], *words: str) -> Result:
    return CliRunner().invoke(app, ["rules", "impact", *words], env=env)


def test_without_any_secret_a_golden_set_judges_a_pull_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    write_golden(tmp_path / "golden.gz", a_day(bookings(), hours=5))
    new = changed(tmp_path / "new", with_value(HOURS, 3), ("impact.yaml", "50", "0"))
    words = ("--golden", f"{tmp_path}/golden.gz", "--today", "rules", "--rules", str(new))

    calm = typed({}, *words)
    assert calm.exit_code == 0, calm.output
    assert "earlier 3" in calm.stdout

    more = "- rule: more\n  when: [booking_in_db]\n  then: [send_sms: welcome]\n"
    (new / "more.yaml").write_text(more, "utf-8")
    failed = typed({}, *words)
    assert failed.exit_code == 1
    assert "more 3" in failed.stdout
    assert "max_more: 0" in failed.stdout


def test_captured_runs_are_played_and_files_that_wait_are_compared_with_those_in_force(
    world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    rules = changed(tmp_path / "rules")
    env = {
        **world_env,
        "NAVERPLACE_CAPTURE__ENABLED": "true",
        "NAVERPLACE_CAPTURE__KEY": "a key of sixteen signs",
        "NAVERPLACE_CAPTURE__WHERE": str(tmp_path / "bundles"),
        "NAVERPLACE_RULES_DIR": str(rules),
        "NAVERPLACE_PRICES__SMS": "10",
        "NAVERPLACE_PRICES__LMS": "33",
    }
    report = run_once(load_settings(env=env, env_file=None), run_id="r", door="cli")
    text = (rules / "templates.yaml").read_text("utf-8").replace("감사합니다.", "고맙습니다.", 1)
    (rules / "templates.yaml").write_text(text, "utf-8")

    done = typed(env, "--json")
    assert done.stdout, (done.output, done.exception)
    found = json.loads(done.stdout)

    confirmations = report.messages["confirmation"]
    assert found["counts"]["other_text"] == confirmations > 0
    assert found["counts"]["unchanged"] == sum(report.messages.values()) - confirmations
    assert (found["won"], found["exceeded"], found["alarms"]) == (0, [], {})
