"""The watchdog in the sandbox: what it tells, when it pings, and that it repeats itself rarely."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typer.testing import CliRunner

from naverplace.cli.app import app
from naverplace.jobs.watchdog.job import Watchdog
from naverplace.jobs.watchdog.late_messages import WatchdogCheck
from naverplace.pipeline.local_runner import run_once
from naverplace.settings.loader import load_settings
from sandbox.faults import Fault
from sandbox.naver.bookings import a_booking
from sandbox.server import Sandbox
from tests.rule_builders import STORE
from tests.watched_shop import WatchedShop


@pytest.fixture
def pings() -> Iterator[tuple[str, list[str]]]:
    """A dead-man's service: its URL, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if "good" in self.path else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def env(world: Sandbox, world_env: dict[str, str]) -> dict[str, str]:
    return dict(world_env)


@pytest.fixture
def watch(world: Sandbox, env: dict[str, str]) -> Callable[..., WatchdogCheck]:
    """Look and tell, some minutes later."""

    def watch(minutes: float = 0, **more: str) -> WatchdogCheck:
        world.world.advance(minutes * 60)
        dog = Watchdog(load_settings(env={**env, **world.environment(), **more}, env_file=None))
        return dog.alert_or_ping(dog.look())

    return watch


def a_run(world: Sandbox, env: dict[str, str]) -> None:
    settings = load_settings(env={**env, **world.environment()}, env_file=None)
    assert run_once(settings, run_id="run", door="cli").status == "success"


def test_after_a_run_all_is_fine_and_the_dead_mans_url_is_asked(
    world: Sandbox,
    env: dict[str, str],
    watch: Callable[..., WatchdogCheck],
    pings: tuple[str, list[str]],
) -> None:
    url, asked = pings
    a_run(world, env)
    told = len(world.world.telegram)

    result = watch(5, NAVERPLACE_WATCHDOG__PING_URL=f"{url}/good/uuid")

    assert (result.fine, result.pinged, result.problems) == (True, True, ())
    assert asked == ["/good/uuid"]
    assert len(world.world.telegram) == told


def test_a_ping_that_is_not_taken_is_a_problem_and_its_address_stays_secret(
    world: Sandbox,
    env: dict[str, str],
    watch: Callable[..., WatchdogCheck],
    pings: tuple[str, list[str]],
) -> None:
    a_run(world, env)

    result = watch(5, NAVERPLACE_WATCHDOG__PING_URL=f"{pings[0]}/wrong/uuid-1234")

    assert not result.pinged
    assert result.problems == ("the dead-man's URL did not take the ping (Permanent)",)
    assert "uuid-1234" not in json.dumps(result.as_json())


def test_when_no_run_comes_any_more_it_is_told_once_an_hour_and_the_dead_mans_url_need_not_call(
    world: Sandbox,
    env: dict[str, str],
    watch: Callable[..., WatchdogCheck],
    pings: tuple[str, list[str]],
) -> None:
    a_run(world, env)
    ping = {"NAVERPLACE_WATCHDOG__PING_URL": f"{pings[0]}/good"}
    before = len(world.world.telegram)

    first, again, later = watch(50, **ping), watch(10, **ping), watch(55, **ping)

    assert [bool(b.told) for b in (first, again, later)] == [True, False, True]
    assert not first.fine
    assert pings[1] == ["/good"] * 3
    texts = [message["text"] for message in world.world.telegram[before:]]
    assert len(texts) == 2
    assert "예약을 읽지 못했습니다" in texts[0]


def test_a_late_guide_is_news_even_when_something_else_was_told_before(
    world: Sandbox, env: dict[str, str], watch: Callable[..., WatchdogCheck]
) -> None:
    WatchedShop(world).book(165, 77)
    a_run(world, env)
    watch(50)

    result = watch(25)

    assert [late.kind for late in result.overdue] == ["guide"]
    assert "telegram" in result.told
    text = world.world.telegram[-1]["text"]
    assert "보냈어야 할 문자가 아직 나가지 않았습니다" in text
    assert "화성점 예약 77 안내: 14:47부터" in text
    assert "0077" not in text


def test_an_alert_that_reaches_nobody_is_tried_again_by_the_next_watch(
    world: Sandbox, watch: Callable[..., WatchdogCheck], pings: tuple[str, list[str]]
) -> None:
    world.world.faults.append(Fault("telegram", kind="status:400", times=None))
    first = watch(50, NAVERPLACE_WATCHDOG__PING_URL=f"{pings[0]}/good")
    world.world.faults.clear()

    second = watch(1)

    assert first.told == ()
    assert pings[1] == []  # whoever is behind the URL calls
    assert len(first.problems) == 1
    assert second.told == ("telegram",)


def test_the_command_shows_what_is_late_and_tells_nobody(
    world: Sandbox, env: dict[str, str]
) -> None:
    WatchedShop(world).book(125, 77)
    a_run(world, env)
    before = len(world.world.telegram)
    world.world.advance(40 * 60)
    now = {**env, **world.environment()}

    words = CliRunner().invoke(app, ["watchdog"], env=now)
    shown = CliRunner().invoke(app, ["watchdog", "--json"], env=now)

    assert (words.exit_code, shown.exit_code) == (1, 1)
    assert "1 messages are late, of 1 looked up" in words.stdout
    found: dict[str, Any] = json.loads(shown.stdout)
    late = [(row["booking"], row["kind"]) for row in found["overdue"]]
    assert late == [(f"{STORE}_77", "guide")]
    assert "0077" not in words.stdout + shown.stdout
    assert len(world.world.telegram) == before


def test_a_dead_legacy_is_told_once_and_not_while_nothing_is_owed(
    world: Sandbox, env: dict[str, str], watch: Callable[..., WatchdogCheck]
) -> None:
    """It never runs here, and owes a guide five minutes after the beginning."""
    env["NAVERPLACE_CUTOVER__DEFAULT_OWNER"] = "legacy"
    for raws in world.world.stores.values():
        raws.clear()
    start = (world.world.now() + timedelta(minutes=125)).replace(second=0, microsecond=0)
    world.world.stores[STORE].append(a_booking(STORE, 77, start, phone="01000000077"))
    flags = {"confirm_sms": True, "remind_sms": False, "option_sms": False}
    key = {"booking_num": f"{STORE}_77", "phone": "010-0000-0077"}
    world.put_sms_item({**key, **flags, "booking_time": f"{start:%F %T}"})  # the legacy's
    a_run(world, env)
    assert watch(26).fine
    a_run(world, env)
    before = len(world.world.telegram)

    assert watch(10).fine  # a run of it may still be alive
    first, again = watch(6), watch(10)

    assert first.missed_by_legacy == {STORE: 1}
    assert not first.fine
    assert (bool(first.told), bool(again.told)) == (True, False)
    (text,) = [message["text"] for message in world.world.telegram[before:]]
    assert "레거시가 멈춘 것 같습니다" in text
    assert "화성점: 보냈어야 할 안내 문자 1건을 보내지 않았습니다" in text
    assert watch(80).missed_by_legacy == {}  # it has begun
