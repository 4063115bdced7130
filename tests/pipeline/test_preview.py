"""`naverplace preview`: what a phone would show, and a test message that reaches nobody else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from naverplace.base.errors import Permanent
from naverplace.base.korean_text import size
from naverplace.cli.app import app
from naverplace.jobs.reconciliation.job import run_reconciliation
from naverplace.messaging.own_number import TEST_MARK, OwnNumber, TestMessage
from naverplace.messaging.sens import SensClient
from naverplace.pipeline.preview import hide_letters
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import SensSettings, Settings
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
OWN = "010-0000-0777"
SENS = SensSettings.model_validate(
    {
        "service_id": "ncp:sms:kr:000000000000:shop",
        "access_key": "access",
        "secret_key": "secret",
        "default_sender": "0310000000",
        "own_numbers": f"{OWN}, 01000000778",
    }
)


@pytest.fixture
def env(world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(ROOT)
    prices = {"NAVERPLACE_PRICES__SMS": "10", "NAVERPLACE_PRICES__LMS": "33"}
    return {**world_env, **prices, "NAVERPLACE_SENS__OWN_NUMBERS": OWN}


def typed(env: dict[str, str], *words: str) -> Result:
    return CliRunner().invoke(app, ["preview", *words], env=env)


def test_a_rules_message_is_drawn_with_its_bytes_and_price_and_without_its_door_code(
    env: dict[str, str],
) -> None:
    codes = json.loads(env["NAVERPLACE_ACCESS"])["1051707"]

    drawn = typed(env, "guide", "--store", "1051707")

    assert drawn.exit_code == 0, drawn.output
    assert re.search(
        r"guide \(.+\): LMS, text \d+ of 2000 bytes, subject \d+ of 40 bytes, 33원", drawn.stdout
    )
    assert "with a long name: LMS" in drawn.stdout
    assert not [code for code in codes.values() if code in drawn.stdout]


def test_a_real_bookings_customer_stays_hidden(env: dict[str, str], world: Sandbox) -> None:
    store, raws = next((s, raws) for s, raws in world.world.stores.items() if raws)
    booking = next(raw for raw in raws if raw["bookingStatusCode"] == "RC03")
    words = ("confirmation", "--store", store, "--booking", str(booking["bookingId"]), "--json")

    (shown,) = json.loads(typed(env, *words).stdout)["messages"]

    assert f"{store}_{booking['bookingId']}" in shown["text"]
    assert booking["name"] not in shown["text"]
    assert f"{hide_letters(booking['name'])}님" in shown["text"]
    assert size(shown["text"]) == shown["text_bytes"]


def test_a_test_message_reaches_the_owners_phone_marked_and_alarms_nobody(
    env: dict[str, str], world: Sandbox
) -> None:
    sent = typed(env, "confirmation", "--store", "1051707", "--send", "--json")

    (request,) = json.loads(sent.stdout)["sent"]
    (message,) = world.messages()
    assert (message["to"], message["requestId"]) == ("01000000777", request)
    assert message["content"].startswith(TEST_MARK)
    world.world.advance(3600)
    done = run_reconciliation(load_settings(env=env | world.environment()), run_id="r")
    assert (done.status, done.messages) == ("success", {"tolerated": 1}), done.findings


@pytest.mark.parametrize(
    ("more", "to"),
    [({}, "010-0000-0001"), ({"NAVERPLACE_SENS__OWN_NUMBERS": ""}, ""), ({}, "031-000-0000")],
)
def test_nothing_goes_to_a_number_that_is_not_the_owners(
    env: dict[str, str], world: Sandbox, more: dict[str, str], to: str
) -> None:
    words = ("confirmation", "--store", "1051707", "--send", *(("--to", to) if to else ()))

    refused = typed({**env, **more}, *words)

    assert refused.exit_code == 2
    assert "nothing was sent" in refused.output
    assert world.messages() == []


PHONES = st.from_regex(r"(\+82 ?|0082)?0?10-?\d{4}-?\d{4}", fullmatch=True) | st.text(max_size=14)


@given(PHONES)
def test_law_no_other_number_becomes_an_own_number(wanted: str) -> None:
    try:
        made = OwnNumber(SENS, wanted)
    except Permanent:
        return

    assert made.digits in ("01000000777", "01000000778")


def test_neither_a_text_nor_a_forged_number_can_be_sent_to(
    settings: Settings, world: Sandbox
) -> None:
    sens = SensClient(settings.sens, settings.make_clock())  # its settings list no own number
    forged: Any = object.__new__(OwnNumber)
    object.__setattr__(forged, "_digits", "01000000001")
    other: Any = "01000000001"
    for to, error in ((other, TypeError), (forged, Permanent), (OwnNumber(SENS), Permanent)):
        message = TestMessage(to, sender="0310000000", subject="", text="hello", long=False)

        with pytest.raises(error):
            message.send(sens)

    assert world.messages() == []


def test_only_the_delivery_and_the_owners_own_number_lead_to_senss_send() -> None:
    calls = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "naverplace").rglob("*.py")
        if re.search(r"\bsens\.send\(", path.read_text("utf-8"))
    }

    assert calls == {"naverplace/delivery/executor.py", "naverplace/messaging/own_number.py"}
