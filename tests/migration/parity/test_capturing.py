"""A run is captured: its bundle names nobody, and decides again what the run decided."""

from __future__ import annotations

import gzip
import json
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from typer.testing import CliRunner

from legacy.journal import Outcome
from legacy.model import decide as legacy_decide
from legacy.settings import invented_texts
from naverplace.base.clock import SEOUL
from naverplace.base.errors import Permanent
from naverplace.cli.app import app
from naverplace.domain.booking import Booking
from naverplace.domain.effects import RecordKey, SendSms
from naverplace.domain.records import Record, read_record
from naverplace.migration.legacy_rows import fatal_reason
from naverplace.pipeline.capture.bundle import Bundle
from naverplace.pipeline.capture.bundle_store import Bundles, open_bundles
from naverplace.pipeline.capture.golden_set import read_golden
from naverplace.pipeline.capture.inputs import DecisionKey, Inputs, due_of
from naverplace.pipeline.context import RunContext, open_run
from naverplace.pipeline.local_runner import run_once
from naverplace.quality import frames, validation
from naverplace.reporting.report import RunReport
from naverplace.rules import engine
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[3]
KEY = "a-key-for-tests-only"
EVENING = datetime(2025, 10, 22, 20, 5, tzinfo=SEOUL)


@dataclass
class Captured:
    """One captured run in the evening, and the world as it was before it."""

    settings: Settings
    report: RunReport
    real: Inputs
    bundles: Bundles
    bundle: Bundle
    sent: int
    env: dict[str, str] = field(repr=False)
    text: str = field(repr=False, default="")


@pytest.fixture(scope="module")
def captured(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Captured]:
    folder = tmp_path_factory.mktemp("captured")
    with pytest.MonkeyPatch.context() as patch:
        sandbox.reset("evening")
        sandbox.log_in()
        for name, value in sandbox.environment().items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        patch.chdir(ROOT)
        env = {
            **sandbox.environment(),
            "NAVERPLACE_LEDGER__SETTLE_SECONDS": "0.2",
            "NAVERPLACE_CAPTURE__ENABLED": "true",
            "NAVERPLACE_CAPTURE__KEY": KEY,
            "NAVERPLACE_CAPTURE__WHERE": str(folder / "bundles"),
        }
        settings = load_settings(env=env, env_file=None)
        real = inputs_before(sandbox, settings)
        report = run_once(settings, run_id="run-1", door="cli")
        bundles = open_bundles(settings)
        (name,) = bundles.names()
        text = gzip.decompress((folder / "bundles" / name).read_bytes()).decode()
        sent = len(sandbox.messages())
        yield Captured(settings, report, real, bundles, bundles.read(name), sent, env, text)


def inputs_before(world: Sandbox, settings: Settings) -> Inputs:
    """Look into the sandbox past the library: what a run is about to read."""
    raws = {s: [dict(raw) for raw in rows] for s, rows in world.world.stores.items()}
    listed = [raw for rows in raws.values() for raw in rows]
    items = {RecordKey(i["booking_num"], i["phone"]): i for i in world.sms_items()}
    return Inputs(
        "real",
        world.world.now(),
        tuple(raws),
        [raw for raw in listed if raw["bookingStatusCode"] == "RC03"],
        [raw for raw in listed if raw["bookingStatusCode"] == "RC08"],
        items,
    )


def decided_again(inputs: Inputs, settings: Settings) -> tuple[Counter[DecisionKey], RunContext]:
    """Take a bundle's inputs the way of a run, from raw bookings to effects."""
    run = open_run(settings, run_id="again", door="cli")
    raws = {
        store_id: [
            raw
            for raw in (*inputs.confirmed, *inputs.completed)
            if str(raw.get("businessId")) == store_id
        ]
        for store_id in inputs.store_ids
    }
    validated = validation.validate(
        {
            store_id: frames.to_frame(
                rows, store_id=store_id, fields=run.fields, read_at=inputs.now
            )
            for store_id, rows in raws.items()
        },
        known_stores=set(run.all_stores),
        now=inputs.now,
        settings=settings.quality,
    )
    bookings: list[Booking] = [b for c in validated.stores for b in frames.to_bookings(c.good)]
    records: dict[RecordKey, Record] = {k: read_record(dict(i)) for k, i in inputs.items.items()}
    decisions = engine.match_and_decide(bookings, records, run.rulebook, now=inputs.now)
    starts = {booking.booking_num: booking.start for booking in bookings}
    sends = [e for e in decisions.effects if isinstance(e, SendSms)]
    keys = Counter(
        DecisionKey(
            e.key.booking_num,
            e.kind,
            due_of(e.kind, e.for_start or starts[e.key.booking_num], inputs.now),
        )
        for e in sends
    )
    return keys, run


def by_legacy(inputs: Inputs, stores: tuple[str, ...]) -> Outcome:
    return legacy_decide(
        # One row that it cannot read would end its run (L27).
        [row for row in inputs.confirmed if not fatal_reason(row)],
        [row for row in inputs.completed if not fatal_reason(row)],
        {(key[0], key[1]): dict(item) for key, item in inputs.items.items()},
        now=lambda: EVENING.replace(tzinfo=None),
        texts=invented_texts("0310000000", stores),
    )


def test_the_run_ends_as_without_a_capture(captured: Captured) -> None:
    assert captured.report.status == "success", captured.report.problems
    assert captured.sent == 24
    assert "capture" in captured.report.phases


def test_the_bundle_holds_what_the_run_read(captured: Captured) -> None:
    inputs = captured.bundle.inputs

    assert (inputs.run_id, len(inputs.store_ids)) == ("run-1", 8)
    assert abs(inputs.now - EVENING) < timedelta(minutes=5)
    assert len(inputs.confirmed) == len(captured.real.confirmed) == 147
    assert len(inputs.completed) == len(captured.real.completed) == 34
    assert captured.bundle.expires - inputs.now == timedelta(days=30)
    assert len(inputs.rules_version) == len(inputs.settings_version) == 16


def test_every_item_is_in_it_as_it_was_before_the_run_for_sorted_out_bookings_too(
    captured: Captured,
) -> None:
    listed = {
        f"{raw['businessId']}_{raw['bookingId']}"
        for raw in (*captured.real.confirmed, *captured.real.completed)
    }
    before = {key.booking_num: i for key, i in captured.real.items.items()}
    inside = {key.booking_num: i for key, i in captured.bundle.inputs.items.items()}

    assert set(inside) == set(before) & listed
    for number, item in inside.items():
        for name in ("booking_time", "confirm_sms", "remind_sms", "option_sms"):
            assert item.get(name) == before[number].get(name)


def test_nobody_is_in_it(captured: Captured) -> None:
    raws = [*captured.real.confirmed, *captured.real.completed]
    digits = captured.text.replace("-", "").replace(" ", "")

    assert not {
        raw["name"] for raw in raws if len(raw["name"]) > 2 and raw["name"] in captured.text
    }
    phones = {str(raw.get("phone", "")) for raw in raws}
    assert not {phone for phone in phones if len(phone) > 8 and phone.replace("-", "") in digits}
    for word in ("@", "userId", "customForm", "nClientIp", "가족사진", "guest"):
        assert word not in captured.text


def test_no_text_and_no_secret_is_in_it(captured: Captured) -> None:
    settings = captured.settings
    secrets = [settings.naver.password, settings.sens.secret_key, settings.telegram.bot_token]
    secrets += [code for codes in settings.access.values() for code in codes.values()]
    assert len(secrets) > 8
    for secret in secrets:
        assert secret.get_secret_value() not in captured.text
    assert KEY not in captured.text
    for words in ("비밀번호", "확정되었습니다", "안내 문자"):
        assert words not in captured.text


def test_the_outputs_say_which_messages_were_owed_and_how_they_ended(captured: Captured) -> None:
    outputs = captured.bundle.outputs

    assert Counter(sent.kind for sent in outputs.sends) == {
        "confirmation": 5,
        "guide": 4,
        "event": 15,
    }
    assert {sent.outcome for sent in outputs.sends} == {"accepted"}
    assert outputs.results["send_sms"] == {"accepted": 24}
    assert outputs.figures["messages"] == {"confirmation": 5, "guide": 4, "event": 15}
    assert outputs.left_out == {}


def test_deciding_again_from_the_pseudonyms_gives_the_same_messages(captured: Captured) -> None:
    again, _ = decided_again(captured.bundle.inputs, captured.settings)

    assert again == Counter(
        (sent.booking_num, sent.kind, sent.due) for sent in captured.bundle.outputs.sends
    )
    assert sum(again.values()) == 24


def test_the_legacy_decides_the_same_from_the_pseudonyms(captured: Captured) -> None:
    stores = captured.bundle.inputs.store_ids
    real = by_legacy(captured.real, stores)
    again = by_legacy(captured.bundle.inputs, stores)

    # In the bundle bookings stand as Naver listed them, in the sandbox as they were made.
    assert Counter((s.what, s.key and s.key[0]) for s in again.steps) == Counter(
        (s.what, s.key and s.key[0]) for s in real.steps
    )
    assert len(real.messages) > 20


def test_only_its_owner_may_read_the_bundle(captured: Captured) -> None:
    folder = Path(captured.settings.capture.where)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_the_commands_list_show_and_make_golden_sets(captured: Captured, tmp_path: Path) -> None:
    (name,) = captured.bundles.names()
    golden = tmp_path / "golden.jsonl.gz"

    def typed(*words: str) -> str:
        result = CliRunner().invoke(app, ["bundles", *words], env=captured.env)
        assert result.exit_code == 0, result.output
        return result.stdout

    assert name in typed("list")
    assert '"confirmation": 5' in typed("show", name, "--json")
    assert "1 runs" in typed("golden", str(golden))
    assert "removed: 0" in typed("expire")
    assert list(read_golden(golden)) == [captured.bundle.inputs]
    with gzip.open(golden, "rt") as file:
        expires = datetime.fromisoformat(json.loads(file.readline())["expires"])
    assert abs(expires - captured.bundle.expires) < timedelta(seconds=1)


def another(settings: Settings, **capture: object) -> Settings:
    return settings.model_copy(update={"capture": settings.capture.model_copy(update=capture)})


def test_a_run_may_be_captured_to_s3(captured: Captured) -> None:
    bucket = f"bundles-{uuid4().hex}"
    aws = captured.settings.aws
    s3 = boto3.client("s3", endpoint_url=aws.endpoint_url, region_name=aws.region)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.region})
    there = another(captured.settings, where=f"s3://{bucket}/captured")

    report = run_once(there, run_id="run-2", door="cli", dry_run=True)

    bundles = open_bundles(there)
    (name,) = bundles.names()
    bundle = bundles.read(name)
    assert report.problems == ()
    again, _ = decided_again(bundle.inputs, there)
    assert again == Counter(
        (sent.booking_num, sent.kind, sent.due) for sent in bundle.outputs.sends
    )
    assert len(bundle.inputs.confirmed) == 147
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [entry["Key"] for entry in listed] == [f"captured/{name}"]
    head = s3.head_object(Bucket=bucket, Key=f"captured/{name}")
    assert head["ServerSideEncryption"] == "AES256"
    assert bundles.remove_expired(now=bundle.expires - timedelta(hours=1)) == 0
    assert bundles.remove_expired(now=bundle.expires) == 1
    assert bundles.names() == []
    with pytest.raises(Permanent, match="NoSuchKey"):
        bundles.read(name)


def test_a_capture_that_fails_is_one_line_and_fails_no_run(captured: Captured) -> None:
    nowhere = another(captured.settings, where="s3://there-is-no-such-bucket/x")

    report = run_once(nowhere, run_id="run-3", door="cli", dry_run=True)

    assert report.status == "success"
    (line,) = report.problems
    assert line.startswith("capture: this run is in no bundle (181 bookings): Permanent: ")
    assert "NoSuchBucket" in line
    assert "create the bucket" in line


def test_a_run_keeps_no_raw_booking_when_capture_is_off(captured: Captured) -> None:
    off = another(captured.settings, enabled=False)

    assert open_run(off, run_id="off", door="cli").captured is None
