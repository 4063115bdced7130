"""The run summary document: every figure from the run, every sum checked, nothing else claimed."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from naverplace.base.errors import Permanent
from naverplace.cli.app import app
from naverplace.cli.document import read_report
from naverplace.pipeline.context import open_run
from naverplace.pipeline.notify_owner import LAMBDA_MEMORY, collect_measurements
from naverplace.reporting.document import render
from naverplace.reporting.report import RunReport
from naverplace.reporting.sent_crosscheck import CrossCheck
from naverplace.reporting.summary import for_engineer, for_owner
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.examples import examples
from tests.reporting.document_builders import Player

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = [  # of the seed's document, in its order, with our cross-checks among them
    "Invocation Details",
    "Execution Flow Verification",
    "Integration Verification",
    "Customer Impact Assessment",
    "Performance Metrics",
    "Log Analysis",
    "Cross-Checks",
    "Comparison with Legacy",
    "Issues Found",
    "Verdict",
    "Next Steps",
]


@pytest.fixture
def player(world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Player:
    monkeypatch.chdir(ROOT)
    return Player(world, world_env)


def head(text: str) -> str:
    return text.splitlines()[0]


def figures(pattern: str, text: str) -> list[int]:
    return [int(figure) for figure in re.findall(pattern, text, re.M)]


def assert_adds_up(text: str, report: RunReport) -> None:
    """Every sum in the document equals the report's, and the sum of its own parts."""
    sent, owed = sum(report.messages.values()), sum(report.planned.values())
    assert figures(r"Total SMS sent: (\d+)$", text) == [sent]
    assert figures(r"Accepted by SENS: (\d+)$", text) == [sent]
    assert figures(r"^- Total messages owed: (\d+)$", text) == [owed]
    assert sum(figures(r"\*\* (\d+) detected$", text)) == owed
    assert sum(figures(r"Sent \w+ SMS: (\d+)/", text)) == (0 if report.dry_run else sent)
    assert sum(figures(r"Sent \w+ SMS: \d+/(\d+)", text)) == (0 if report.dry_run else owed)
    rows = re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \| (\d+) \| [\w ]+ \| [\w ]+ \|$", text, re.M)
    counts = (report.planned, report.messages, report.adopted)
    for kind, *shown in rows[:-1]:
        assert shown == [str(count.get(kind, 0)) for count in counts]
    assert [kind for kind, *_ in rows] == [*report.planned, "total"]
    assert rows[-1][1:] == tuple(map(str, (owed, sent, sum(report.adopted.values()))))
    assert figures(r"Retrieved (\d+) active", text) == [report.bookings_confirmed]
    assert figures(r"Retrieved (\d+) completed", text) == [report.bookings_completed]
    assert figures(r"Quarantined bookings .*: (\d+)$", text) == [report.quarantined]
    assert sum(figures(r"; RC03 (\d+),", text)) == report.bookings_confirmed
    assert sum(figures(r", RC08 (\d+),", text)) == report.bookings_completed
    assert sum(figures(r", quarantined (\d+),", text)) == report.quarantined
    stores = figures(r"^- \*\*Store .*? (\d+) SMS sent; RC03", text)
    assert (len(stores), sum(stores)) == (len(report.stores), sent)
    assert figures(r"^\*\*Total: (\d+) stores processed", text) == [len(report.stores)]
    assert figures(r"^\*\*Total: .*? (\d+) SMS sent, \d+ failures", text) == [sent]
    assert set(figures(r"(\d+) write operations", text)) == {report.writes}
    by_action = text.partition("write operations")[2].partition("- Response time")[0]
    assert sum(figures(r"^  - \w+: (\d+)$", by_action)) == report.writes
    assert set(figures(r"^- Contradictions: (\d+)$", text)) == {len(report.contradictions)}
    assert figures(r"^- Problems: (\d+)$", text) == [len(report.problems)]
    assert figures(r"SMS accepted: (\d+)/", text) == ([] if report.dry_run else [sent])
    assert figures(r"SMS accepted: \d+/(\d+)", text) == ([] if report.dry_run else [owed])
    assert set(re.findall(r"(?:Duration:\*\* |Duration\*\* \| )([\d.]+)", text)) >= {
        f"{report.seconds:.3f}"
    }
    log = re.findall(r"^\[(\S+)\] ", text, re.M)
    assert log == sorted(log)
    assert len({line[-6:] for line in log}) == 1  # one zone
    assert set(figures(r"SMS sent: total=(\d+)", text)) <= {sent}
    assert set(figures(r"; writes=(\d+)$", text)) <= {report.writes}
    assert set(figures(r"quarantined=(\d+)$", text)) <= {report.quarantined}
    assert set(figures(r"planned=(\d+)$", text)) <= {owed}


@pytest.mark.parametrize("scenario", ["quiet", "first-run", "evening", "empty"])
def test_a_good_runs_document_says_success_and_adds_up(player: Player, scenario: str) -> None:
    report = player.play(scenario, settings={"document__allocated_mb": "5000"})

    text = render(report)

    assert head(text) == "# Run Summary: SUCCESS ✅"
    assert re.findall(r"^## (.+)$", text, re.M) == SECTIONS
    assert_adds_up(text, report)
    assert f"- Total SMS sent: {sum(report.messages.values())}\n" in text
    assert report.crosscheck is None or report.crosscheck.why_not == ()
    assert "SMS accepted" in text
    assert "not measured" not in text


def test_the_seeds_evening_adds_up_to_23_here(player: Player) -> None:
    text = render(player.play("first-run"))

    for line in (
        "- **Confirmation SMS for new bookings:** 8 detected",
        "- **Guide SMS for new bookings:** 3 detected",
        "- **Guide SMS for existing bookings:** 12 detected",
        "- Total SMS sent: 23",
        "| total | 23 | 23 | 0 | 23 | 23 |",
        "5 of them with messages owed, 20 bookings processed, 23 SMS sent, 0 failures",
    ):
        assert line in text


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    "faults", [(), (Fault("partner", "951291", kind="status:422", times=None),)]
)
def test_document_page_and_message_say_one_verdict(
    player: Player, faults: tuple[Fault, ...], dry_run: bool
) -> None:
    report = player.play("first-run", faults=faults, dry_run=dry_run)
    text = render(report)

    verdict = "FAILED" if faults else "DRY RUN" if dry_run else "SUCCESS"
    assert report.verdict == verdict
    said = re.findall(r"(?:Run Summary:|Status:\*?\*?) (FAILED|DRY RUN|SUCCESS)", text)
    assert said == [verdict] * 3
    assert for_engineer(report).startswith(f"# {verdict}: ")
    assert ("🚨" in for_owner(report)) == bool(faults and not dry_run)


FAULTS: dict[str, tuple[tuple[Fault, ...], dict[str, str]]] = {
    "sens refuses one": ((Fault("sens", match="POST", kind="status:400", times=1),), {}),
    "sens is away": ((Fault("sens", match="POST", kind="status:503", times=None),), {}),
    "an answer is lost": ((Fault("sens", match="POST", kind="drop_after", times=1),), {}),
    "the log is away, too": (
        (
            Fault("sens", match="POST", kind="drop_after", times=1),
            Fault("sens", match="GET", kind="status:503", times=None),
        ),
        {"sens__retry_wait": "0"},
    ),
    "a store is away": ((Fault("partner", match="951291", kind="status:422", times=None),), {}),
    "telegram is away": ((Fault("telegram", kind="status:500", times=None),), {}),
    "no cross-check": ((), {"document__check_log": "false"}),
    "strict thresholds": ((), {"thresholds__total_seconds": "0.001"}),
    "memory is known": ((), {"document__allocated_mb": "5000"}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_troubled_runs_document_tells_it_and_adds_up(player: Player, name: str) -> None:
    faults, settings = FAULTS[name]

    report = player.play("first-run", faults=faults, settings=settings)
    text = render(report)

    assert_adds_up(text, report)
    assert ("FAILED" in head(text)) == (report.status == "failed")
    assert ("RUN FAILED" in text) == (report.status == "failed")
    for problem in report.problems:
        assert f"- {problem}" in text


def test_a_run_that_broke_off_is_failed_with_nothing_ticked(player: Player, world: Sandbox) -> None:
    world.forget_session()
    world.remember_failed_login("captcha")

    report = player.play()
    text = render(report)

    assert head(text) == "# Run Summary: FAILED ❌"
    assert "### 2. Naver Authentication ❌" in text
    assert "### 3. Booking Data Fetching (not measured)" in text
    assert_adds_up(text, report)


def test_a_dry_run_claims_no_message(player: Player) -> None:
    report = player.play("first-run", dry_run=True)
    text = render(report)

    assert head(text) == "# Run Summary: DRY RUN ✅"
    assert "- Total messages owed: 23" in text
    assert "- Total SMS sent: 0" in text
    assert "DRY RUN: NOTHING WAS SENT" in text
    assert not re.search(r"\d+/\d+ success|RUN SUCCESSFUL", text)
    assert_adds_up(text, report)


def test_messages_too_young_for_sens_log_are_a_warning_and_no_contradiction(
    player: Player, world: Sandbox
) -> None:
    world.reset("quiet")
    world.world.sens.list_lag_seconds = 60
    world.log_in()

    report = player.play(settings={"ledger__settle_seconds": "120"})
    text = render(report)

    assert report.crosscheck is not None
    assert report.crosscheck.not_yet == 2
    assert report.status == "success"
    assert_adds_up(text, report)
    assert "- 2 messages are not in SENS's log yet" in text


def test_a_message_that_sens_log_never_shows_makes_the_document_failed(
    player: Player, world: Sandbox
) -> None:
    world.reset("quiet")
    world.world.sens.list_lag_seconds = 60
    world.log_in()

    report = player.play(settings={"ledger__settle_seconds": "0"})

    assert not report.balanced
    assert any("is not in SENS's log" in found for found in report.contradictions)
    assert head(render(report)) == "# Run Summary: FAILED ❌"
    assert "합계가 맞지 않습니다" in world.world.telegram[0]["text"]


def test_a_look_up_that_fails_is_said_and_costs_one_question(
    player: Player, world: Sandbox
) -> None:
    fault = Fault("sens", match="GET", kind="status:503", times=None)
    report = player.play("quiet", faults=(fault,), settings={"sens__attempts": "3"})

    text = render(report)

    assert report.status == "success"
    assert fault.hits == 1
    assert "- Not checked: SENS's log could not be read" in text
    assert "| total | 2 | 2 | 0 | 2 | not checked |" in text
    assert_adds_up(text, report)


@pytest.fixture(scope="module")
def _kept() -> dict[str, RunReport]:
    return {}


@pytest.fixture
def first_run(player: Player, _kept: dict[str, RunReport]) -> RunReport:
    """The report of the first run, made once for all tests that only read it."""
    if not _kept:
        _kept["report"] = player.play("first-run", settings={"document__allocated_mb": "5000"})
    return _kept["report"]


def counts_of(report: RunReport) -> list[tuple[Any, ...]]:
    """The place of each figure that a report tells in two ways."""
    names = ("bookings_confirmed", "bookings_completed", "quarantined", "writes")
    maps = ("planned", "messages", "outcomes", "writes_by_action")
    paths: list[tuple[Any, ...]] = [(name,) for name in names]
    paths += [(name, key) for name in maps for key in getattr(report, name)]
    for index, store in enumerate(report.stores):
        paths += [
            ("stores", index, name) for name in ("confirmed", "completed", "quarantined", "planned")
        ]
        paths += [
            ("stores", index, name, key) for name in ("messages", "outcomes") for key in store[name]
        ]
    return paths


def with_more(report: RunReport, path: tuple[Any, ...], by: int) -> RunReport:
    """The report with one figure changed."""
    values = copy.deepcopy(report.as_json())
    inner: Any = values
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] += by
    return replace(report, **{path[0]: values[path[0]]})


@hypothesis_settings(
    max_examples=examples(600),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_planted_count_fails_the_document(first_run: RunReport, data: Any) -> None:
    path = data.draw(st.sampled_from(counts_of(first_run)))
    by = data.draw(st.integers(-500, 500).filter(bool))

    text = render(with_more(first_run, path, by))

    assert head(text) == "# Run Summary: FAILED ❌", path
    assert re.search(r"^- Contradictions: [1-9]", text, re.M)


@pytest.mark.parametrize("row", ["kind", "outcome", "planned"])
def test_a_delivery_that_the_sums_do_not_know_fails_the_document(
    first_run: RunReport, row: str
) -> None:
    assert first_run.deliveries
    wrong = {"kind": "event", "outcome": "refused", "planned": False}
    changed = {**first_run.deliveries[0], row: wrong[row]}

    text = render(replace(first_run, deliveries=(changed, *first_run.deliveries[1:])))

    assert head(text) == "# Run Summary: FAILED ❌"


@pytest.mark.parametrize(
    "changes",
    [
        {"messages": {"confirmation": 8, "guide": 12, "event": 0}},
        {"writes": 20},
        {"bookings_confirmed": 148},
        {"planned": {"confirmation": 8, "guide": 12, "event": 0}},
        {"seconds": 0.5},
        {"phases": {}, "spans": {"booking api": (0.0, 400.0)}},
    ],
)
def test_a_report_whose_figures_do_not_balance_becomes_a_failed_document(
    first_run: RunReport, changes: dict[str, Any]
) -> None:
    text = render(replace(first_run, **changes))

    assert head(text) == "# Run Summary: FAILED ❌"
    assert "### ❌ RUN FAILED" in text
    assert re.search(r"^- Contradictions: [1-9]", text, re.M)


def test_a_contradiction_of_the_report_is_listed_as_critical(first_run: RunReport) -> None:
    found = "table writes, writes reported by the actions: 53 is not 54"
    text = render(replace(first_run, status="failed", balanced=False, contradictions=(found,)))

    assert head(text) == "# Run Summary: FAILED ❌"
    assert re.search(rf"Critical Issues:\*\* 1 .*\n- {found}", text)


def test_thresholds_of_the_settings_are_kept_in_the_report(player: Player) -> None:
    report = player.play("quiet", settings={"thresholds__sms_seconds": "0.001"})

    assert report.thresholds["sms_seconds"] == 0.001
    assert re.search(r"\*\*SMS Sending\*\* \| [\d.]+s \| ❌ \| < 0.001s", render(report))
    assert report.status == "success"  # slow is an issue, and not a failure


def test_calls_are_measured_one_by_one(first_run: RunReport, world: Sandbox) -> None:
    calls = first_run.calls

    assert calls["sms"]["count"] == 23
    assert calls["telegram"]["count"] == calls["notifications"]["count"] == 2
    assert calls["slack"] == {"count": 0, "wall": 0.0, "summed": 0.0}
    assert calls["dynamodb"]["count"] > first_run.writes
    for row in calls.values():
        assert 0 <= row["wall"] <= row["summed"] + 0.001
        assert row["wall"] <= first_run.seconds


def test_lambda_tells_how_much_memory_it_gave(world: Sandbox, settings: Settings) -> None:
    run = open_run(settings, run_id="run", door="lambda")

    assert collect_measurements(run, {LAMBDA_MEMORY: "512"})["allocated_mb"] == 512.0
    assert collect_measurements(run, {})["allocated_mb"] is None


def test_a_parity_result_is_shown_and_without_one_nothing_was_compared(
    first_run: RunReport,
) -> None:
    parity = {
        "verdict": "GO",
        "decisions": 30_000,
        "unexplained": 0,
        "table": [{"aspect": "SMS sent", "legacy": 23, "new": 23, "match": "100%"}],
    }

    assert "Not compared: no parity result was given" in render(first_run)
    text = render(first_run, parity=parity)
    assert "**Parity Verdict: GO**" in text
    assert "| SMS sent | 23 | 23 | 100% |" in text
    assert_adds_up(text, first_run)


def test_no_phone_and_no_name_is_in_a_document(first_run: RunReport, world: Sandbox) -> None:
    text = render(first_run)
    world.reset("first-run")

    assert not re.search(r"\b01\d[- ]?\d{3,4}[- ]?\d{4}\b", text)
    for raws in world.world.stores.values():
        for raw in raws:
            assert str(raw.get("name") or "-no-") not in text


def test_a_document_lies_beside_its_report_and_can_be_made_again(
    player: Player, tmp_path: Path
) -> None:
    player.play("first-run", settings={"report_dir": str(tmp_path / "reports")})
    written, report = (
        sorted((tmp_path / "reports").glob("*.md")),
        sorted((tmp_path / "reports").glob("*.json")),
    )
    again = tmp_path / "again.md"

    result = CliRunner().invoke(app, ["document", str(report[0]), "--out", str(again)])

    assert result.exit_code == 0, result.output
    assert again.read_text("utf-8") == written[0].read_text("utf-8")
    assert_adds_up(again.read_text("utf-8"), read_report(report[0]))
    shown = CliRunner().invoke(app, ["document", str(report[0])])
    assert shown.stdout.startswith("# Run Summary: SUCCESS")


def test_a_report_of_an_older_version_is_written_down_without_what_it_lacks(
    first_run: RunReport, tmp_path: Path
) -> None:
    new = {"started", "rules", "bookings_decided", "deliveries", "spans", "calls"}
    new |= {"allocated_mb", "thresholds", "crosscheck"}
    assert new < {field.name for field in fields(RunReport)}
    old = {name: value for name, value in first_run.as_json().items() if name not in new}
    path = tmp_path / "report.json"
    path.write_text(json.dumps(old, default=str), "utf-8")

    report = read_report(path)
    text = render(report)

    assert head(text) == "# Run Summary: SUCCESS ✅"
    assert "| **SMS Sending** | not measured | not measured | < 30s |" in text
    assert_adds_up(text, report)


@pytest.mark.parametrize(
    ("content", "words"),
    [("no json", "Invalid JSON"), ("[]", "Input should be"), ("{}", "run_id"), (None, "read")],
)
def test_a_file_that_is_no_report_is_refused_in_words(
    tmp_path: Path, content: str | None, words: str
) -> None:
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content, "utf-8")

    with pytest.raises(Permanent, match=words):
        read_report(path)
    assert CliRunner().invoke(app, ["document", str(path)]).exit_code == 2


def test_a_report_keeps_its_cross_check_through_json(first_run: RunReport, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(first_run.as_json(), default=str), "utf-8")

    read = read_report(path)

    assert isinstance(read.crosscheck, CrossCheck)
    assert read.crosscheck == first_run.crosscheck
