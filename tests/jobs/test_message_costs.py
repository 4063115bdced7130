"""`naverplace cost`: SENS's own log times the price, whoever sent it."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from naverplace.cli.app import app
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.messaging.sens import SensClient
from naverplace.reporting.costs import Origin, cost_lines
from naverplace.rules.text_sizes import text_sizes
from naverplace.settings.schema import Settings
from naverplace.settings.sections import PriceSettings
from sandbox.server import Sandbox
from tests.rule_builders import NOW, a_rule, a_rulebook

ROOT = Path(__file__).resolve().parents[2]
PRICES = {"NAVERPLACE_PRICES__SMS": "9.9", "NAVERPLACE_PRICES__LMS": "33"}
WON = {"SMS": Decimal("9.9"), "LMS": Decimal(33)}


def typed(env: dict[str, str], *words: str) -> str:
    result = CliRunner().invoke(app, [*words], env=env)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_cost_is_senss_log_times_the_price(
    world: Sandbox, world_env: dict[str, str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    typed(world_env, "run")
    SensClient(settings.sens, settings.make_clock()).send(
        to="01000000099",
        sender=settings.sens.default_sender,
        subject="",
        text="hello",
        message_type="SMS",
    )
    world.world.advance(60)
    sent = world.messages()

    costs: dict[str, Any] = json.loads(typed({**world_env, **PRICES}, "cost", "--json"))

    assert costs["messages"] == len(sent)
    assert costs["won"] == float(sum(WON[message["type"]] for message in sent))
    assert sum(line["won"] for line in costs["lines"]) == pytest.approx(costs["won"])
    by_kind: Counter[tuple[str, str]] = Counter()
    for line in costs["lines"]:
        by_kind[line["kind"], line["message_type"]] += line["count"]
    assert by_kind[("", "SMS")] == 1
    assert by_kind[("confirmation", "LMS")] == world.expected["messages"]["confirmation"]
    words = typed({**world_env, **PRICES}, "cost")
    assert f"{len(sent)} messages, {round(costs['won']):,}원" in words
    assert "sent by others" in words


def test_a_month_that_sens_has_forgotten_and_both_spans_at_once_are_refused(
    world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    for words in (
        ["cost", "--month", "2020-01"],
        ["cost", "--month", "2025-10", "--day", "2025-10-22"],
    ):
        result = CliRunner().invoke(app, words, env=world_env)

        assert result.exit_code == 2
        assert "Traceback" not in result.output


TYPES = st.sampled_from(["SMS", "LMS", "MMS"])
REQUESTS = st.lists(st.tuples(st.sampled_from("abcd"), TYPES, st.booleans()), max_size=20)


@given(REQUESTS)
def test_law_every_message_of_the_log_is_counted_once_and_priced_if_a_price_is_known(
    drawn: list[tuple[str, str, bool]],
) -> None:
    prices = PriceSettings(sms=9.9, lms=33, since=date(2025, 10, 1))
    early = NOW.replace(month=9)
    log = [
        SmsLogEntry(request, str(n), NOW if late else early, "", message_type=kind)
        for n, (request, kind, late) in enumerate(drawn)
    ]

    lines = cost_lines(log, {"a": Origin("1", "guide"), "b": Origin("2", "event")}, prices.on)

    priced = [kind for _, kind, late in drawn if late and kind in WON]
    assert sum(line.count for line in lines) == len(drawn)
    assert sum(line.count - line.unpriced for line in lines) == len(priced)
    assert sum(line.won for line in lines) == sum(WON[kind] for kind in priced)


def test_a_text_that_is_an_lms_by_a_few_bytes_is_named(tmp_path: Path) -> None:
    text = "가" * 37 + "{{ booking.start }}"
    templates = f'templates: {{note: {{text: "{text}"}}, long: {{text: "{text * 2}"}}}}\n'
    book = a_rulebook(tmp_path, a_rule("booking_in_db", "send_sms: note"), templates=templates)

    sizes = list(text_sizes(book))

    assert {size.template for size in sizes} == {"note"}
    assert {(size.message_type, size.over) for size in sizes} == {("LMS", 74 + 24 - 90)}
