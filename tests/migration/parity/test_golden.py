"""Golden sets: what is written is read back, and what is none is refused in words."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from naverplace.base.clock import SEOUL
from naverplace.base.errors import Permanent
from naverplace.domain.effects import RecordKey
from naverplace.pipeline.capture.golden_set import read_golden, write_golden
from naverplace.pipeline.capture.inputs import Inputs
from sandbox.naver.bookings import a_booking

NOW = datetime(2025, 10, 22, 12, 0, tzinfo=SEOUL)
KEY = RecordKey("1051707_1", "010-0000-0001")


def some_inputs(number: int = 1) -> Inputs:
    return Inputs(
        run_id=f"run-{number}",
        now=NOW + timedelta(minutes=20 * number),
        store_ids=("1051707", "951291"),
        confirmed=[a_booking("1051707", 1, NOW, name="나무😀", phone="01000000001")],
        completed=[{"broken": None}],
        items={KEY: {**KEY._asdict(), "remind_sms": False, "message_guide": {"attempt": 2}}},
        rules_version="r1",
        settings_version="s1",
    )


def test_inputs_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "golden.jsonl.gz"

    assert write_golden(path, [some_inputs(1), some_inputs(2)]) == 2

    assert list(read_golden(path)) == [some_inputs(1), some_inputs(2)]
    assert [one.name for one in tmp_path.iterdir()] == ["golden.jsonl.gz"]


def test_equal_inputs_give_equal_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    write_golden(first, [some_inputs()])
    write_golden(second, [some_inputs()])

    assert first.read_bytes() == second.read_bytes()


def test_numbers_of_dynamodb_become_plain_numbers(tmp_path: Path) -> None:
    path = tmp_path / "golden"
    item = {"message_guide": {"attempt": Decimal(2), "x": Decimal("0.5")}}
    one = some_inputs()
    write_golden(path, [Inputs(one.run_id, one.now, (), [], [], {KEY: item})])

    (read,) = read_golden(path)

    assert read.items[KEY]["message_guide"] == {"attempt": 2, "x": 0.5}


def test_an_expired_set_is_not_read_when_the_reader_knows_the_time(tmp_path: Path) -> None:
    path = tmp_path / "golden"
    write_golden(path, [some_inputs()], expires=NOW)

    assert len(list(read_golden(path, now=NOW - timedelta(seconds=1)))) == 1
    with pytest.raises(Permanent, match="expired 2025-10-22"):
        list(read_golden(path, now=NOW))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello", "is no golden set"),
        (gzip.compress(b"", mtime=0), "first line is no head"),
        (gzip.compress(b'["a"]\n', mtime=0), "first line is no head"),
        (gzip.compress(b'{"golden":9,"expires":null}\n', mtime=0), "version 9; this reads 1"),
        (
            gzip.compress(b'{"golden":1,"expires":null}\n{"run_id":"01000000001"}\n', mtime=0),
            "x:2: holds",
        ),
        (gzip.compress(b'{"golden":1,"expires":null}\n', mtime=0)[:-9], "damaged"),
    ],
)
def test_what_is_no_golden_set_is_refused_and_not_quoted(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)

    with pytest.raises(Permanent, match=words) as refused:
        list(read_golden(path))
    assert "01000000001" not in str(refused.value)


def test_a_writer_that_breaks_off_leaves_the_old_set(tmp_path: Path) -> None:
    path = tmp_path / "golden"
    write_golden(path, [some_inputs()])
    before = path.read_bytes()
    one = some_inputs()

    with pytest.raises(TypeError):
        write_golden(path, [Inputs(one.run_id, one.now, (), [{"a": {1, 2}}], [], {})])

    assert path.read_bytes() == before
