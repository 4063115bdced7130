"""What makes a run fast, as far as no clock is needed; `make bench` has the seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree as Xml

import pytest

from benchmarks import readme
from benchmarks.curves import bars, lines
from benchmarks.doors import DOORS, Measured
from benchmarks.growth import slope, times
from benchmarks.shop import asked, at_once, open_shop, waited
from benchmarks.short import QUICK, credentials_of
from legacy import run as legacy_run
from legacy.settings import from_sandbox
from naverplace.pipeline.local_runner import run_once
from naverplace.settings.loader import load_settings
from sandbox.request_log import Seen


@pytest.mark.slow
def test_a_run_asks_no_more_of_naver_than_the_legacy_and_never_too_much_at_once() -> None:
    with open_shop(QUICK) as shop, credentials_of(shop) as environment:
        assert legacy_run.run(from_sandbox(environment, pause=0)) == "success"
        legacy_asked = len(asked(shop.world.requests, "partner"))
        legacy_sends = asked(shop.world.requests, "sens")
    with open_shop(QUICK) as shop, credentials_of(shop) as environment:
        settings = load_settings(env=environment, env_file=None)
        report = run_once(settings, run_id="bench", door="cli")
        naver = asked(shop.world.requests, "partner")

    assert report.status == "success"
    assert len(legacy_sends) >= sum(report.messages.values()) > 20
    assert len(naver) <= min(30, legacy_asked)
    assert 1 < at_once(naver) <= settings.naver.parallel


def test_what_is_waited_for_is_counted_once_however_many_answers_there_are() -> None:
    def seen(begin: float, seconds: float) -> Seen:
        at = datetime.fromtimestamp(begin, UTC)
        return Seen("sens", "GET", "/", {}, b"", at, "", seconds=seconds)

    requests = [seen(0, 2), seen(1, 2), seen(5, 1), seen(5.5, 0.1)]

    assert waited(requests) == 4
    assert at_once(requests) == 2


def test_a_flat_cost_has_the_slope_of_one() -> None:
    assert slope({1: 10.0 + 1, 5: 10.0 + 5, 20: 10.0 + 20}) == 1.0
    assert slope({1: 1.0, 5: 5.0, 20: 35.0}) == 2.0
    assert times({5: 100.0, 20: 100.0, 100: 110.0}) == 1.1


def test_the_readme_is_written_between_its_marks() -> None:
    runs = {
        door: [Measured(door, 2.0, 3.0, 1.0, 90.0, 99.0, 24, 1 + (door != "legacy"), 1.5)] * 2
        for door in DOORS
    }
    figures = {
        "chain_s": 3.3,
        "cpu_ms_per_booking": {5: 3.1, 20: 3.0},
        "mb": {5: 100, 20: 101},
        **dict.fromkeys(("process_s", "process_cpu_s", "peak_mb", "all_mb"), 7),
        "verdicts_per_s": 190_000,
        "zen_verdicts_per_s": None,
    }

    said = readme.words(runs, figures)

    assert "| legacy | 2.0 s | 2.0 s | 24, one at a time |" in said
    assert "| Lambda | 2.0 s | 2.0 s | 24, at most 2 at once |" in said
    assert readme.README.read_text("utf-8").count(readme.BEGIN) == 1


def test_the_curves_are_whole_pictures() -> None:
    pictures = [
        bars("Seconds", {"legacy & co": 36.0, "flow": 3.2}),
        lines("Growth", {"CPU": {10: 1.0, 20: 2.0}, "MB": {10: 90.0, 20: 91.0}}),
    ]

    for picture in pictures:
        assert Xml.fromstring(picture).tag.endswith("svg")
