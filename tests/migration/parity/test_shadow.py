"""The shadow and the observer beside a legacy that really runs, against the sandbox over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from legacy import run as legacy_run
from legacy.ports import Texts
from legacy.settings import from_sandbox
from naverplace.aws.dynamodb import open_dynamodb, read_only
from naverplace.base.clock import SEOUL
from naverplace.base.errors import NaverPlaceError, Permanent
from naverplace.migration.parity.comparison_run import Comparison, open_comparison
from naverplace.migration.parity.legacy_texts import words_for_model
from naverplace.migration.parity.observed_legacy import LoggedMessage, observe, ran_at
from naverplace.migration.parity.values import NOT_ENOUGH, Message
from naverplace.migration.shadow import Shadow, at_moment, keep_inputs
from naverplace.pipeline.capture.bundle import Bundle
from naverplace.pipeline.capture.bundle_store import open_bundles
from naverplace.pipeline.capture.inputs import Inputs
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings
from sandbox.naver.bookings import a_booking
from sandbox.server import Sandbox
from tasks import parity as tasks
from tests.legacy.running import readable

ROOT = Path(__file__).resolve().parents[3]
STORE = "1051707"


@pytest.fixture
def shop(world: Sandbox) -> Sandbox:
    """A shop that the legacy has served until now: some new bookings, some within two hours."""
    world.reset("first-run")
    world.log_in()
    world.world.booking_switches.max_range_days = None
    return world


@pytest.fixture
def settings(shop: Sandbox, world_env: dict[str, str]) -> Settings:
    return load_settings(env={**world_env, **shop.environment()}, env_file=None)


@pytest.fixture
def comparison(settings: Settings) -> Comparison:
    return open_comparison(settings, tasks._make_legacy)


def run_the_legacy(world: Sandbox, comparison: Comparison) -> None:
    """Let the modelled legacy really run, with the texts that the comparison knows."""
    stores, texts = comparison.stores, comparison.comparator.texts
    sender = comparison.settings.sens.default_sender
    words = Texts(**words_for_model(texts, sender=sender, stores=stores))
    assert legacy_run.run(from_sandbox(world.environment(), texts=words)) == "success"


def test_a_shadow_reads_decides_and_leaves_no_trace(
    shop: Sandbox, settings: Settings, comparison: Comparison, tmp_path: Path
) -> None:
    before = shop.sms_items(), shop.session_items()

    inputs = Shadow(settings).read("shadow-1")
    comparison.replay([inputs], lambda _: None)
    parity = comparison.end("shadow", now=inputs.now, folder=tmp_path)

    assert (shop.sms_items(), shop.session_items()) == before
    assert shop.messages() == []
    assert shop.world.telegram == []
    assert (parity.unexplained, parity.aa_differences) == (0, 0)
    assert parity.verdict == NOT_ENOUGH  # one reading is no evidence about eight stores
    assert parity.decisions > 200
    assert parity.accepted["unfit-bookings-get-nothing"] > 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "parity.json",
        "parity.md",
        "parity.html",
    }


def test_a_shadow_never_logs_in(shop: Sandbox, settings: Settings) -> None:
    shop.forget_session()
    with pytest.raises(
        NaverPlaceError, match=r"does not know the stored session any more.*naverplace login"
    ):
        Shadow(settings)
    assert not [seen for seen in shop.world.requests if "nidlogin" in seen.line]


def test_what_the_legacy_really_did_is_what_we_would_have_done_but_for_what_is_accepted(
    shop: Sandbox, settings: Settings, comparison: Comparison
) -> None:
    readable(shop)
    shadow = Shadow(settings)
    before = shadow.read("observed-1")
    run_the_legacy(shop, comparison)
    after = shadow.read("observed-1")

    log = tasks._sens_log(comparison, before)
    seen = observe(before, after, log, texts=comparison.comparator.texts)

    assert sum(map(len, seen.side.sends.values())) == len(shop.messages()) > 20
    assert seen.foreign == 0
    ran = at_moment(before, ran_at(log, after.now))
    comparison.observed(ran, seen.side, noise=frozenset())
    assert comparison.aa_differences == 0
    wrong = [d for d in comparison.totals.unexplained if d.aspect != "errors"]
    assert wrong == []
    assert comparison.totals.accepted["messages-name-the-booking"] > 0


def test_a_store_that_the_gates_stop_is_not_replaced_by_the_model(
    settings: Settings, comparison: Comparison
) -> None:
    read = Shadow(settings).read("observed-3")
    broken = [
        {**raw, "phone": "0"} if str(raw["businessId"]) == STORE else raw for raw in read.confirmed
    ]
    before = replace(read, confirmed=broken)
    seen = observe(before, before, [], texts=comparison.comparator.texts)

    comparison.observed(before, seen.side, noise=frozenset())

    assert comparison.totals.legacy.sent == 0  # what was seen, and nobody's guess
    assert any(f"store {STORE} not compared" in note for note in comparison.notes)
    assert comparison.totals.decisions_of(STORE) == 0


def test_a_message_of_somebody_else_is_foreign(comparison: Comparison, settings: Settings) -> None:
    before = Shadow(settings).read("observed-2")
    other = LoggedMessage(before.now, Message("01012345678", "0310000000", "광고", "안녕하세요"))
    seen = observe(before, before, [other], texts=comparison.comparator.texts)
    assert (seen.foreign, seen.began) == (1, False)


def test_a_reading_is_kept_under_pseudonyms_and_replayed(
    shop: Sandbox, settings: Settings, comparison: Comparison, tmp_path: Path
) -> None:
    start = shop.world.now().replace(second=0, microsecond=0)
    shop.world.stores[STORE].append(a_booking(STORE, 424242, start, name="이름있음"))
    capture = settings.capture.model_copy(
        update={"key": "0123456789abcdef0123", "where": str(tmp_path)}
    )
    given = settings.model_copy(update={"capture": type(capture).model_validate(dict(capture))})
    inputs = Shadow(given).read("shadow-2")

    name = keep_inputs(given, inputs)

    assert name
    (kept,) = [bundle.inputs for bundle in _bundles(given, inputs)]
    assert "이름있음" not in str(kept.confirmed)
    comparison.replay([kept], lambda _: None)
    assert comparison.totals.unexplained == []
    assert keep_inputs(settings, inputs) == ""


def _bundles(settings: Settings, inputs: Inputs) -> list[Bundle]:
    return list(open_bundles(settings).read_all(now=inputs.now.astimezone(SEOUL)))


def test_there_is_no_sender_in_a_shadows_process() -> None:
    code = (
        "import sys, json, naverplace.migration.shadow, flows.parity\n"
        "import naverplace.migration.parity.comparison_run\n"
        "print(json.dumps([m for m in sys.modules if m.startswith('naverplace.messaging')]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )

    senders = {"naverplace.messaging.sens", "naverplace.messaging.telegram"}
    assert not senders & set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "call", ["put_item", "update_item", "delete_item", "batch_write_item", "transact_write_items"]
)
def test_a_shadows_client_has_no_call_that_writes(settings: Settings, call: str) -> None:
    client = read_only(open_dynamodb(settings.aws))

    with pytest.raises(Permanent, match=f"{call} is not there for whoever only looks"):
        getattr(client, call)


def test_the_shadows_policy_denies_every_write_and_the_senders_keys() -> None:
    policy = json.loads((ROOT / "deployments/iam/shadow.json").read_text("utf-8"))
    by_effect: dict[str, set[str]] = {"Allow": set(), "Deny": set()}
    for statement in policy["Statement"]:
        by_effect[statement["Effect"]] |= set(statement["Action"])

    # A transaction is judged as the single writes in it.
    writes = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"}
    assert {f"dynamodb:{write}" for write in writes} <= by_effect["Deny"]
    assert "secretsmanager:*" in by_effect["Deny"]
    tables = {name for name in by_effect["Allow"] if name.startswith("dynamodb:")}
    reads = {"BatchGetItem", "DescribeContinuousBackups", "DescribeTable"}
    reads |= {"GetItem", "Query", "Scan"}
    assert tables == {f"dynamodb:{read}" for read in reads}


def test_a_reading_decided_at_another_moment_is_the_same_reading(settings: Settings) -> None:
    inputs = Shadow(settings).read("shadow-3")
    later = inputs.now.replace(hour=23)
    assert replace(at_moment(inputs, later), now=inputs.now) == inputs
