"""The audit of run summaries: the seed's own document, ours, and anything else that is typed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from naverplace.audit import Audit, Kind, audit
from naverplace.audit.reading import Summary
from naverplace.cli.app import app

SEED = Path(__file__).parent / "data" / "first-production-run.md"
TEXT = SEED.read_text("utf-8")

# What a careful auditor finds in the first production run's document, with the lines to look at.
CONTRADICTIONS = {
    "messages sent: 8 + 3 + 12 = 23": {50, 52, 57, 73, 148, 187, 204, 235},
    "told of 12 guide messages, but 3 + 12 = 15 were sent": {52, 57, 82},
    "4 + 3 + 2 + 1 + 1 = 11, but the total is 20; 23 - 11 = 12": {139, 140, 141, 142, 145, 73, 148},
    "8 by the total, but 5 have bookings and 3 have 0": {143, 144, 146, 148},
    "20 at least, but the stores' lines have 8": {49, 55, 139, 145},
    "billed: 150 s for 145 s": {21, 23},
    "45 s from START to END and 26.2 s to the last work": {21, 162, 178, 191, 192, 209},
    "a run of 145 s would have ended at 14:04:40": {178, 192},
    "as UTC it would be 23:02:15 in Korea": {3, 178},
    "14:02:15 + 145 s = 14:04:40, but the document is stamped 14:03:00": {3, 21, 258},
    "cron */20 fires at 14:00:00, and the run began at 14:02:15, 135 s later": {3, 14},
    "cron */20 fires at 14:20:00, the document expects 14:23:00": {14, 260},
    "a warm start starts no container": {17, 31},
    "reading the bookings: 32 s by the table, but 14.9 s by the log": {163, 183, 184},
    "sending the messages: 6.8 s by the table, but 4.9 s by the log": {165, 185, 187},
    "12 reminders of 342 ms each need 4.104 s, and the log leaves 0.3 s": {76, 186, 187},
    "5 of 7 rows are equal, and the document says 100 %": {204, 209, 210, 212, 240},
    "parity was computed from 20 messages, but 8 + 3 + 12 = 23": {50, 52, 57, 204},
    "it can only send Telegram (L20)": {207},
    "claims success and no issues, and 19 pairs": {224, 230, 235, 240, 244},
}
HOLD = [
    "memory efficiency: 412 / 512 MB = 80.5 %, and the table says 80 %",
    "Total Duration: 145s < 300s holds",
    "API Call Duration: 32s < 60s holds",
    "DynamoDB Operations: 0.8s < 5s holds",
    "SMS Sending: 6.8s < 30s holds",
    "Notification Sending: 0.4s < 5s holds",
    "Memory Peak: 412 MB < 512 MB holds",
    "Memory Efficiency: 80% > 50% holds",
    "thresholds: 7 of 7 hold, and the document says all",
    "writes: 8 + 12 = 20, and the total is 20",
    "SMS: 20 x 342 ms = 6.84 s, and 6.8 s by the table",
    "SLA: 6.8 s / 20 = 0.34 s a message, allowed are 2 s",
    "notifications: 156 + 203 ms = 0.359 s, and 0.4 s by the table",
    "duration: 2 x 60 + 25 = 145 s for 145 s",
    "confirmed bookings (RC03): 147 in all 2 places",
    "trigger: received 250 ms after START, within 500 ms",
    "hour: 14, and the document says that it is not 20",
]


@pytest.fixture(scope="module")
def seed() -> Audit:
    return audit(TEXT)


@pytest.mark.parametrize("words", CONTRADICTIONS)
def test_the_seeds_contradiction_is_named_with_its_places(seed: Audit, words: str) -> None:
    found = [finding for finding in seed.contradictions if words in finding.words]

    assert len(found) == 1
    assert CONTRADICTIONS[words] <= set(found[0].lines)


def test_the_seed_has_no_other_contradictions(seed: Audit) -> None:
    others = [
        str(finding)
        for finding in seed.contradictions
        if not any(words in finding.words for words in CONTRADICTIONS)
    ]

    assert others == []


@pytest.mark.parametrize("words", HOLD)
def test_what_holds_in_the_seed_is_said_too(seed: Audit, words: str) -> None:
    assert words in [finding.words for finding in seed.of(Kind.HOLDS)]


def test_claims_that_no_run_can_know_are_listed_apart(seed: Audit) -> None:
    unshown = " ".join(finding.words for finding in seed.of(Kind.UNSHOWN))

    for words in ("202 is an acceptance", "Read confirmation", "105 s of 145 s", "18.8 s between"):
        assert words in unshown


def corrected(text: str) -> str:
    """Correct the seed's document as somebody would who knew what had really happened."""
    for old, new in (
        ("(cron: */20 minutes)", "(by hand)"),
        ("**Cold Start:** No (function already warmed)", "**Cold Start:** Yes"),
        ("0 ms (warm start)", "0 ms"),
        ("**Duration:** 145 seconds (2m 25s)", "**Duration:** 45 seconds (0m 45s)"),
        ("**Billed Duration:** 150 seconds", "**Billed Duration:** 45 seconds"),
        ("Total SMS sent: 20", "Total SMS sent: 23"),
        ("8 new, 12 reminders", "8 new, 15 reminders"),
        ("3 bookings processed, 4 SMS", "12 bookings processed, 13 SMS"),
        ("2 bookings processed, 3 SMS", "5 bookings processed, 6 SMS"),
        ("8 active stores processed, 20 SMS", "5 active stores processed, 23 SMS"),
        ("| 145s |", "| 45s |"),
        ("| 32s |", "| 14.9s |"),
        ("| **SMS Sending** | 6.8s", "| **SMS Sending** | 4.6s"),
        ("342ms", "200ms"),
        ("Processing reminder SMS", "Next: reminders"),
        ("total=20", "total=23"),
        ("Duration: 145000.0 ms", "Duration: 45000.0 ms"),
        ("| SMS sent | 20 | 20 |", "| SMS sent | 23 | 23 |"),
        ("| Slack notifications | 1 | 1 |", "| Slack notifications | 0 | 0 |"),
        ("| ~142s | ~145s | ✅ Similar", "| ~45s | ~45s | ✅ Similar"),
        ("| ~410 MB |", "| ~412 MB |"),
        ("20/20 success (100%)\n4.", "23/23 success (100%)\n4."),
        ("2025-10-22T14:23:00 KST", "tomorrow"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    return re.sub(r"(\[2025-10-22T14:\d\d:[\d.]+)Z", r"\g<1>+09:00", text)


def test_a_corrected_seed_has_no_contradiction() -> None:
    assert [str(finding) for finding in audit(corrected(TEXT)).contradictions] == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Retrieved 147 active", "Retrieved 148 active", "RC03"),
        ("writes=20", "writes=21", "writes"),
        ("| **Total Duration** | 145s | ✅ |", "| **Total Duration** | 345s | ✅ |", "says ✅"),
        ("| **Memory Peak** | 412 MB |", "| **Memory Peak** | 612 MB |", "memory in MB"),
        ("| 80% |", "| 60% |", "memory efficiency"),
        ("156ms", "956ms", "notifications"),
        ("14:02:33.100Z", "14:02:13.100Z", "order of the log"),
        ("14:02:33.100Z", "14:62:13.100Z", "stamps"),
        ("END RequestId: 550e", "END RequestId: 660e", "identity"),
        ("**Critical Issues:** None", "**Critical Issues:** 2", "issues"),
        ("12/12 success", "11/12 success", "ratio"),
        ("DynamoDB records created: 8/8", "DynamoDB records created: 7/8", "records created"),
        ("- **Status:** SUCCESS ✅", "- **Status:** FAILED ❌", "verdict"),
        ("(2m 25s)", "(2m 15s)", "duration in minutes"),
        ("- **Store 867589:** 0 bookings\n", "", "number of stores"),
        ("| Error count | 0 | 0 |", "| Error count | 0 | 1 |", "parity"),
    ],
)
def test_an_error_that_is_planted_into_the_seed_is_found(old: str, new: str, words: str) -> None:
    assert old in TEXT
    before = {finding.words for finding in audit(TEXT).contradictions}

    after = audit(TEXT.replace(old, new)).contradictions

    assert any(
        words in f"{finding.check} {finding.words}"
        for finding in after
        if finding.words not in before
    ), [finding.words for finding in after if finding.words not in before]


def test_the_command_names_them_and_ends_with_1() -> None:
    result = CliRunner().invoke(app, ["audit", str(SEED)])

    assert result.exit_code == 1
    assert result.stdout.startswith(f"{len(CONTRADICTIONS)} contradict each other\n")
    assert "(lines 50, 52, 57, 73, 148, 187, 204, 235)" in result.stdout


def test_the_command_speaks_json() -> None:
    result = CliRunner().invoke(app, ["audit", str(SEED), "--json"])
    read = json.loads(result.stdout)

    assert result.exit_code == 1
    assert set(read) == {"contradiction", "unshown", "holds"}
    assert read["contradiction"][0]["lines"] == [50, 52, 57, 73, 148, 187, 204, 235]


@pytest.mark.parametrize("content", ["", "# A page about something else\n\n- 3 apples\n", None])
def test_a_file_without_figures_is_no_summary(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "page.md"
    if content is not None:
        path.write_text(content, "utf-8")

    result = CliRunner().invoke(app, ["audit", str(path)])

    assert result.exit_code == 2


@hypothesis_settings(deadline=None, max_examples=40)
@given(st.data())
def test_no_damage_to_a_document_breaks_the_audit(data: st.DataObject) -> None:
    lines = TEXT.splitlines()
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(lines) - 1))
        start = data.draw(st.integers(0, len(lines[at])))
        noise = data.draw(
            st.sampled_from(["", "|", "9", "-", ":", "**", "`", "```", "T", "[", "%"])
        )
        lines[at] = lines[at][:start] + noise + lines[at][start + data.draw(st.integers(0, 3)) :]

    audit("\n".join(lines))


@hypothesis_settings(deadline=None, max_examples=60)
@given(st.text(alphabet="0123456789 -:|[]TZ.*`#/%\nSMSsent", max_size=400))
def test_any_text_can_be_read(text: str) -> None:
    audit(text)


def test_a_figures_columns_are_those_of_the_file() -> None:
    summary = Summary("# A\n- **Total SMS sent:** `20`\n")

    figure = summary.first(r"Total SMS sent:\s*(?P<n>\d+)")

    assert figure is not None
    assert "- **Total SMS sent:** `20`"[figure.start : figure.end] == "20"
    assert figure.line == 2
