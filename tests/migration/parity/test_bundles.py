"""Bundles: written and read, kept for their time, removed after it, and refused in words."""

from __future__ import annotations

import gzip
import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from naverplace.base.clock import SEOUL
from naverplace.base.errors import Permanent, ServiceUnavailable
from naverplace.cli.app import app
from naverplace.domain.effects import RecordKey
from naverplace.domain.records import read_record
from naverplace.pipeline.capture.bundle import (
    Bundle,
    CapturedMessage,
    Outputs,
    decode_bundle,
    encode_bundle,
    golden_from,
)
from naverplace.pipeline.capture.bundle_store import (
    Bundles,
    Folder,
    expiry_of,
    name_of,
    open_bundles,
)
from naverplace.pipeline.capture.golden_set import read_golden
from naverplace.pipeline.capture.inputs import DecisionKey, Inputs, due_of
from naverplace.pipeline.capture.recorder import CapturedInputs, settings_version
from naverplace.settings.schema import Settings
from naverplace.settings.sections import CaptureSettings
from sandbox.server import Sandbox
from tests.settings.setting_values import load

NOW = datetime(2025, 10, 22, 12, 0, tzinfo=SEOUL)
KEY = RecordKey("1051707_1", "010-0000-0001")
RAW = {"businessId": 1051707, "bookingId": 1, "phone": "01000000001"}


def a_bundle(number: int = 1, *, days: float = 30) -> Bundle:
    now = NOW + timedelta(minutes=20 * number)
    key = DecisionKey("1051707_1", "guide", NOW)
    return Bundle(
        Inputs(f"run-{number}", now, ("1051707",), [RAW], [], {KEY: {**KEY._asdict()}}, "r", "s"),
        Outputs(
            (
                CapturedMessage(
                    *key, "1051707", "guide-rule", "accepted", flag="remind_sms", type="LMS"
                ),
            ),
            results={"send_sms": {"accepted": 1}},
            figures={"seconds": 1.5},
            left_out={"951291": "could not be read"},
        ),
        expires=now + timedelta(days=days),
        key_id="abcdef01",
    )


def test_a_bundle_comes_back_as_it_was_written() -> None:
    assert decode_bundle(encode_bundle(a_bundle())) == a_bundle()
    assert encode_bundle(a_bundle()) == encode_bundle(a_bundle())


def test_half_an_emoji_does_not_keep_a_bundle_from_being_written() -> None:
    bundle = a_bundle()
    odd = replace(bundle, inputs=replace(bundle.inputs, confirmed=[{"name": "\ud83d"}]))

    assert decode_bundle(encode_bundle(odd)) == odd


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no bundle"),
        (b"hello", "or damaged"),
        (encode_bundle(a_bundle())[:-12], "or damaged"),
        (gzip.compress(b"[]", mtime=0), "no bundle"),
        (gzip.compress(b'{"bundle":2}', mtime=0), "version 2; this reads 1"),
        (gzip.compress(b'{"bundle":1,"outputs":{},"inputs":"01000000001"}', mtime=0), "no inputs"),
    ],
)
def test_what_is_no_bundle_is_refused_and_not_quoted(content: bytes, words: str) -> None:
    with pytest.raises(Permanent, match=words) as refused:
        decode_bundle(content)
    assert "01000000001" not in str(refused.value)


def test_a_golden_set_takes_every_run_once() -> None:
    bundles = [a_bundle(1), a_bundle(2), a_bundle(1)]

    assert [one.run_id for one in golden_from(bundles)] == ["run-1", "run-2"]


def test_bundles_lie_by_time_and_are_removed_when_they_expire(tmp_path: Path) -> None:
    bundles = Bundles(Folder(tmp_path / "new" / "folder"))
    assert bundles.names() == []
    for number, days in ((2, 30), (1, 0.5), (3, 0.25)):
        bundles.add(a_bundle(number, days=days))
    (tmp_path / "new" / "folder" / "notes.txt").write_text("somebody else's")

    assert [bundles.read(name).inputs.run_id for name in bundles.names()] == [
        "run-1",
        "run-2",
        "run-3",
    ]
    assert bundles.remove_expired(now=NOW) == 0
    later = NOW + timedelta(days=1)
    assert [bundle.inputs.run_id for bundle in bundles.read_all(now=later)] == ["run-2"]
    assert bundles.remove_expired(now=later, at_most=1) == 1
    assert bundles.remove_expired(now=later) == 1
    assert [bundles.read(name).inputs.run_id for name in bundles.names()] == ["run-2"]
    assert (tmp_path / "new" / "folder" / "notes.txt").exists()


def test_the_same_run_is_captured_once(tmp_path: Path) -> None:
    bundles = Bundles(Folder(tmp_path))

    assert bundles.add(a_bundle()) == bundles.add(a_bundle())
    assert len(bundles.names()) == 1


def test_a_name_tells_moment_run_and_expiry_and_stays_in_its_folder() -> None:
    bundle = a_bundle()
    odd = replace(bundle, inputs=replace(bundle.inputs, run_id="../cli 예약"))

    assert name_of(bundle) == ("20251022T032000Z-run-1-until-20251121T032000Z.bundle.json.gz")
    assert expiry_of(name_of(bundle)) == bundle.expires.astimezone(UTC)
    assert "/" not in name_of(odd)
    for wrong in ("../secrets", "x.bundle.json.gz", "20251022T032000Z-until-x.bundle.json.gz"):
        with pytest.raises(Permanent, match="no bundle's name"):
            Bundles(Folder(Path("/"))).read(wrong)


def test_a_bundle_that_is_gone_is_an_error_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=r"No such file or directory; see capture\.where"):
        Bundles(Folder(tmp_path)).read(name_of(a_bundle()))


def test_an_s3_that_is_not_reached_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    settings = load(
        NAVERPLACE_CAPTURE__WHERE="s3://bundles/x",
        NAVERPLACE_AWS__ENDPOINT_URL="http://127.0.0.1:9",
    )

    with pytest.raises(ServiceUnavailable, match="s3://bundles/x/: not reached"):
        open_bundles(settings).names()


def test_items_that_cannot_be_read_leave_the_run_alone_and_are_told() -> None:
    noted = CapturedInputs()
    noted.note_store("1051707", [RAW], [{"phone": 5}, {"phone": "1"}])
    asked: list[RecordKey] = []

    def broken(keys: object) -> dict[RecordKey, object]:
        asked.extend(keys)  # type: ignore[arg-type]
        raise ServiceUnavailable("DynamoDB: not reached for 01000000001")

    noted.note_records({}, broken)  # type: ignore[arg-type]

    assert asked == [KEY]
    assert noted.items == {}
    assert noted.problem == "ServiceUnavailable: DynamoDB: not reached for 010-****-0001"
    noted.note_records({KEY: read_record({**KEY._asdict(), "remind_sms": 1})}, lambda keys: {})
    assert noted.problem == ""
    assert noted.items[KEY]["remind_sms"] == 1


@pytest.mark.parametrize(
    ("kind", "due"),
    [
        ("guide", "2025-10-23 13:00"),
        ("confirmation", "2025-10-23 15:00"),
        ("survey", "2025-10-23 15:00"),
        ("event", "2025-10-22 20:00"),
    ],
)
def test_a_message_is_due_alike_for_every_side(kind: str, due: str) -> None:
    start = datetime(2025, 10, 23, 15, 0, tzinfo=SEOUL)

    assert due_of(kind, start, NOW) == datetime.fromisoformat(due).replace(tzinfo=SEOUL)


def test_the_settings_version_follows_settings_and_no_secret() -> None:
    before = settings_version(load())

    assert settings_version(load(NAVERPLACE_NAVER__PASSWORD="another-canary")) == before
    assert settings_version(load(NAVERPLACE_ACCESS='{"1": {"door_code": "9999"}}')) == before
    assert settings_version(load(NAVERPLACE_NAVER__PAGE_SIZE="49")) != before


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"enabled": True}, "needs capture.key"),
        ({"key": "short-canary"}, "16 signs or more"),
        ({"where": "s3://"}, "must be a folder, or like s3://"),
        ({"where": "http://host/x"}, "must be a folder, or like s3://"),
        ({"keep_days": 0}, "greater than 0"),
        ({"keep_days": 3650}, "less than or equal to 366"),
    ],
)
def test_a_capture_that_would_leak_or_stay_is_refused(
    values: dict[str, object], words: str
) -> None:
    with pytest.raises(ValidationError, match=words) as refused:
        CaptureSettings(**values)
    assert "canary" not in str(refused.value)


def settled(settings: Settings, folder: Path) -> Bundles:
    """Put two bundles where the commands look, as fresh as the sandbox's clock."""
    now = settings.make_clock().now()
    bundles = Bundles(Folder(folder))
    for number, days in ((1, 10), (2, 20)):
        bundle = a_bundle(number)
        inputs = replace(bundle.inputs, now=now - timedelta(days=10 - number))
        bundles.add(replace(bundle, inputs=inputs, expires=now + timedelta(days=days)))
    return bundles


def test_a_golden_set_is_made_of_a_part_of_the_bundles(
    world: Sandbox, world_env: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    bundles = settled(settings, tmp_path / "bundles")
    env = {**world_env, "NAVERPLACE_CAPTURE__WHERE": str(tmp_path / "bundles")}
    golden = tmp_path / "golden"
    words = ["bundles", "golden", str(golden)]
    now = settings.make_clock().now()

    assert CliRunner().invoke(app, words, env=env).exit_code == 0
    assert len(list(read_golden(golden))) == 2
    assert stat.S_IMODE(golden.stat().st_mode) == 0o600
    assert abs(expires(golden) - now - timedelta(days=20)) < timedelta(minutes=5)

    since = (now - timedelta(days=8, hours=12)).strftime("%Y-%m-%d")
    CliRunner().invoke(app, [*words, "--since", since, "--keep-days", "90"], env=env)
    assert [one.run_id for one in read_golden(golden)][-1:] == ["run-2"]
    assert abs(expires(golden) - now - timedelta(days=90)) < timedelta(minutes=5)

    listed = json.loads(CliRunner().invoke(app, ["bundles", "list", "--json"], env=env).stdout)
    assert [row["name"] for row in listed["bundles"]] == bundles.names()
    shown = CliRunner().invoke(app, ["bundles", "show", bundles.names()[0]], env=env).stdout
    assert "could not be read" in shown
    assert "abcdef01" in shown


def expires(golden: Path) -> datetime:
    with gzip.open(golden, "rt") as file:
        return datetime.fromisoformat(json.loads(file.readline())["expires"])


def test_a_golden_set_of_nothing_is_refused(
    world: Sandbox, world_env: dict[str, str], tmp_path: Path
) -> None:
    env = {**world_env, "NAVERPLACE_CAPTURE__WHERE": str(tmp_path / "none")}

    result = CliRunner().invoke(app, ["bundles", "golden", str(tmp_path / "golden")], env=env)

    assert result.exit_code == 2
    assert "there is no bundle" in result.output
    assert not (tmp_path / "golden").exists()
