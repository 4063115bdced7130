from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from naverplace.base.clock import Clock
from naverplace.base.errors import (
    BrowserMissing,
    CaptchaRequired,
    ClockWrong,
    CoolingDown,
    LoginFailed,
    PageChanged,
    Permanent,
    ServiceUnavailable,
    SessionExpired,
    WrongPassword,
)
from naverplace.naver.booking_client import BookingClient
from naverplace.naver.session import open_naver_session
from naverplace.naver.session_store import LOGIN_ID, SessionStore, home_of
from naverplace.redaction.redactor import REDACTOR
from naverplace.settings.schema import NaverSettings, Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.naver.naver_reading import (
    OTHER,
    STORE,
    Doorkeeper,
    a_table,
    open_it,
    put_bookings,
    seen_by,
)


@pytest.fixture
def doorkeeper(world: Sandbox) -> Doorkeeper:
    return Doorkeeper(world)


def a_manager(settings: Settings, clock: Clock | None = None) -> SessionStore:
    return SessionStore(a_table(settings), settings.naver, clock or settings.make_clock())


def stored(world: Sandbox) -> list[dict[str, Any]]:
    (item,) = [item for item in world.session_items() if item["id"] == "1"]
    cookies: list[dict[str, Any]] = json.loads(item["cookies"])
    return cookies


def writes(world: Sandbox) -> int:
    return len(seen_by(world, "aws", "UpdateItem")) + len(seen_by(world, "aws", "PutItem"))


def refused_ago(settings: Settings, *, minutes: float, error: LoginFailed) -> None:
    """Remember a refusal at an earlier time."""
    earlier = Clock(settings.make_clock().offset - timedelta(minutes=minutes))
    a_manager(settings, earlier).remember_failure(error)


# --- restoring -------------------------------------------------------------------------------


def test_a_stored_session_is_checked_with_one_request_and_nothing_is_written(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    session = open_it(settings, doorkeeper)

    assert doorkeeper.logins == 0
    assert not session.browser_opened
    (check,) = seen_by(world, "partner")
    assert check.path == f"/v3.1/businesses/{STORE}/bookings/count"
    assert len(seen_by(world, "aws", "GetItem")) == 1
    assert writes(world) == 0
    assert seen_by(world, "nid") == []


def test_without_a_stored_session_there_is_one_login_and_its_cookies_are_stored(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    world.forget_session()

    session = open_it(settings, doorkeeper)

    assert doorkeeper.logins == 1
    assert session.browser_opened
    assert {cookie["name"] for cookie in stored(world)} == {"NID_AUT", "NID_SES"}
    again = open_it(settings, doorkeeper)
    assert doorkeeper.logins == 1
    assert not again.browser_opened


@pytest.mark.parametrize("variant", ["json401", "json403", "redirect", "html"])
def test_every_way_in_which_naver_says_expired_leads_to_one_login(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper, variant: str
) -> None:
    world.world.cookies.kill_all()
    world.world.expired_variant = variant

    open_it(settings, doorkeeper)

    assert doorkeeper.logins == 1
    assert seen_by(world, "nid") == []  # no redirect was followed


@pytest.mark.parametrize(
    "kind", ["status:500", "status:503", "status:429", "drop_before", "truncate_text"]
)
def test_a_fault_of_navers_is_never_taken_for_an_expired_session(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper, kind: str
) -> None:
    world.world.faults = [Fault("partner", kind=kind, times=None, value=0)]

    with pytest.raises(Exception, match="Naver's booking API") as caught:
        open_it(settings, doorkeeper)

    assert type(caught.value).__name__ in ("ServiceUnavailable", "Throttled")
    assert doorkeeper.logins == 0


def test_a_silent_naver_is_not_taken_for_an_expired_session(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    world.world.faults = [Fault("partner", kind="timeout_before", times=None)]
    hasty = settings.naver.model_copy(update={"read_timeout": 0.1})

    with pytest.raises(ServiceUnavailable):
        open_it(settings, doorkeeper, naver=hasty)

    assert doorkeeper.logins == 0


def test_a_table_that_cannot_be_read_is_an_error_and_not_no_cookies(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    world.world.faults = [
        Fault("aws", "GetItem", kind="status:400", value="AccessDeniedException", times=None)
    ]

    with pytest.raises(Permanent, match="session"):
        open_it(settings, doorkeeper)

    assert doorkeeper.logins == 0


@pytest.mark.parametrize("text", ["not json", '{"a": 1}', '["NID_SES"]', '[{"name": "NID_SES"}]'])
def test_stored_cookies_that_nobody_can_read_are_replaced_by_a_login(
    world: Sandbox,
    settings: Settings,
    doorkeeper: Doorkeeper,
    caplog: pytest.LogCaptureFixture,
    text: str,
) -> None:
    world.put_session_item({"id": "1", "cookies": text})

    open_it(settings, doorkeeper)

    assert doorkeeper.logins == 1
    assert text not in caplog.text


@pytest.mark.parametrize(
    "item", [{"id": "1"}, {"id": "1", "cookies": ""}, {"id": "1", "cookies": "[]"}]
)
def test_an_empty_item_is_no_session(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper, item: dict[str, str]
) -> None:
    world.put_session_item(item)

    open_it(settings, doorkeeper)

    assert doorkeeper.logins == 1
    assert len(seen_by(world, "partner")) == 1  # no check without cookies, one after the login


def test_a_login_that_only_one_cookie_proves_is_none(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    world.put_session_item({"id": "1", "cookies": json.dumps(stored(world)[:1])})

    open_it(settings, doorkeeper)

    assert doorkeeper.logins == 1


def test_cookies_of_the_legacys_browser_are_restored_with_floats_and_unknown_keys(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    cookies = [{**cookie, "expiry": cookie["expiry"] + 0.25, "x": [1]} for cookie in stored(world)]
    world.put_session_item({"id": "1", "cookies": json.dumps(cookies)})

    session = open_it(settings, doorkeeper)

    assert doorkeeper.logins == 0
    assert all(cookie["x"] == [1] for cookie in session.snapshot().given)


def test_cookies_stored_without_a_domain_belong_to_naver(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    bare = [{"name": c["name"], "value": c["value"]} for c in stored(world)]
    world.put_session_item({"id": "1", "cookies": json.dumps(bare)})

    open_it(settings, doorkeeper)

    assert doorkeeper.logins == 0


def test_cookies_go_to_their_own_domain_only(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    foreign = [{**cookie, "domain": ".naver.com"} for cookie in stored(world)]
    world.put_session_item({"id": "1", "cookies": json.dumps([*stored(world), *foreign])})

    session = open_it(settings, doorkeeper)
    visit = session.snapshot()
    visit.http.get(settings.telegram.url.replace("127.0.0.1", "localhost"), timeout=5)

    assert doorkeeper.logins == 0  # one name on two domains is no conflict
    (check,) = seen_by(world, "partner")
    assert check.headers["cookie"].count("NID_SES=") == 1
    (elsewhere,) = seen_by(world, "telegram")
    assert "cookie" not in elsewhere.headers


# --- the check in a browser (L3) -------------------------------------------------------------


def test_the_strict_check_asks_a_browser_too(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    strict = NaverSettings(**{**dict(settings.naver), "session_check": "browser"})

    session = open_it(settings, doorkeeper, naver=strict)

    assert (doorkeeper.checks, doorkeeper.logins) == (1, 0)
    assert session.browser_opened


def test_a_session_that_the_browser_does_not_like_is_renewed(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    strict = NaverSettings(**{**dict(settings.naver), "session_check": "browser"})
    doorkeeper.says_valid = False

    open_it(settings, doorkeeper, naver=strict)

    assert doorkeeper.logins == 1


def test_who_may_not_log_in_reports_an_expired_session_and_writes_nothing(
    world: Sandbox, settings: Settings
) -> None:
    world.world.cookies.kill_all()

    with pytest.raises(SessionExpired):
        open_it(settings, None)

    assert writes(world) == 0
    assert world.world.login_attempts == 0


def test_who_may_not_log_in_may_still_use_a_good_session(
    world: Sandbox, settings: Settings
) -> None:
    strict = NaverSettings(**{**dict(settings.naver), "session_check": "browser"})

    session = open_it(settings, None, naver=strict)

    assert BookingClient(session, settings.naver, settings.make_clock()).count(STORE, "RC03") == 3


# --- service cookies -------------------------------------------------------------------------


def test_cookies_that_only_the_owners_page_sets_are_fetched_without_a_login(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    world.world.booking_switches.needs_service_cookie = True

    session = open_it(settings, doorkeeper)
    listing = BookingClient(session, settings.naver, settings.make_clock()).bookings(STORE, "RC03")

    assert doorkeeper.logins == 0
    assert len(listing) == 3
    assert len(seen_by(world, "partner", "booking-list-view")) == 1
    assert writes(world) == 0


# --- the clock -------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_clock_that_is_not_navers_stops_everything(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper, minutes: float
) -> None:
    wrong = Clock(settings.make_clock().offset + timedelta(minutes=minutes))

    with pytest.raises(ClockWrong, match=r"(299|300|301) s away"):
        open_it(settings, doorkeeper, clock=wrong)

    assert doorkeeper.logins == 0


def test_a_clock_that_is_a_minute_off_will_do(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    open_it(settings, doorkeeper, clock=Clock(settings.make_clock().offset + timedelta(minutes=1)))

    assert doorkeeper.logins == 0


def test_a_slow_naver_does_not_look_like_a_wrong_clock(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    exact = settings.clock.model_copy(update={"max_skew_seconds": 0.001})
    world.world.faults = [Fault("partner", kind="latency:1.5")]

    open_it(settings.model_copy(update={"clock": exact}), doorkeeper)

    assert doorkeeper.logins == 0


# --- refused logins --------------------------------------------------------------------------


def test_a_refused_login_is_not_tried_again_before_its_time(
    world: Sandbox, settings: Settings
) -> None:
    world.forget_session()
    refusing = Doorkeeper(world, fails=WrongPassword("refused"))
    with pytest.raises(WrongPassword):
        open_it(settings, refusing)

    with pytest.raises(CoolingDown, match="wrong_password"):
        open_it(settings, refusing)

    assert refusing.logins == 1
    (item,) = [item for item in world.session_items() if item["id"] == LOGIN_ID]
    assert item["reason"] == "wrong_password"


def test_a_cool_down_never_keeps_a_good_session_from_being_used(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    refused_ago(settings, minutes=1, error=CaptchaRequired("asked"))

    open_it(settings, doorkeeper)

    assert doorkeeper.logins == 0


def test_after_the_cool_down_one_more_login_is_tried(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    world.forget_session()
    refused_ago(settings, minutes=61, error=WrongPassword("refused"))

    open_it(settings, doorkeeper)

    assert doorkeeper.logins == 1
    a_manager(settings).check_cooldown()  # raises nothing


def test_a_cool_down_doubles_with_every_refusal_up_to_a_day(
    world: Sandbox, settings: Settings
) -> None:
    manager = a_manager(settings)
    now = settings.make_clock().now()

    def stored_login() -> dict[str, Any]:
        return manager.table.get(LOGIN_ID) or {}

    hours = []
    for _ in range(7):
        manager.remember_failure(WrongPassword("refused"))
        until = datetime.fromisoformat(stored_login()["until"])
        hours.append(round((until - now) / timedelta(hours=1)))

    assert hours == [1, 2, 4, 8, 16, 24, 24]
    manager.forget_failures()
    manager.check_cooldown()  # raises nothing
    manager.remember_failure(WrongPassword("refused"))
    assert stored_login()["failures"] == 1


def test_a_missing_browser_is_no_refused_login(world: Sandbox, settings: Settings) -> None:
    world.forget_session()

    with pytest.raises(BrowserMissing):
        open_it(settings, Doorkeeper(world, fails=BrowserMissing("no program")))

    a_manager(settings).check_cooldown()  # raises nothing


def test_a_refusal_that_cannot_be_remembered_stays_the_error(
    world: Sandbox, settings: Settings
) -> None:
    world.forget_session()
    world.world.faults = [
        Fault("aws", "PutItem", kind="status:400", value="AccessDeniedException", times=None)
    ]

    with pytest.raises(WrongPassword):
        open_it(settings, Doorkeeper(world, fails=WrongPassword("refused")))


def test_a_login_that_helps_nothing_is_reported_and_not_repeated(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    world.forget_session()

    with pytest.raises(PageChanged, match="refuses store 777"):
        open_it(settings, doorkeeper, probe_stores=["777"])
    with pytest.raises(CoolingDown):
        open_it(settings, doorkeeper, probe_stores=["777"])

    assert doorkeeper.logins == 1
    assert len(stored(world)) == 2  # the login is good for whoever else uses the table


def test_when_naver_falters_right_after_a_login_its_cookies_are_stored_all_the_same(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    world.forget_session()
    world.world.faults = [Fault("partner", kind="status:503", times=None)]

    with pytest.raises(ServiceUnavailable):
        open_it(settings, doorkeeper)
    world.world.faults = []
    open_it(settings, doorkeeper)

    assert doorkeeper.logins == 1


# --- renewing --------------------------------------------------------------------------------


def test_eight_stores_that_lose_the_session_together_cause_one_login(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    session = open_it(settings, doorkeeper)
    world.world.cookies.kill_all()
    world.world.latency["partner"] = 0.05

    def read(n: int) -> int:
        client = BookingClient(session, settings.naver, settings.make_clock())
        return len(client.bookings(STORE if n % 2 else OTHER, "RC03"))

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(read, range(8))) == [1, 1, 1, 1, 3, 3, 3, 3]

    assert doorkeeper.logins == 1
    assert session.generation == 1


def test_a_login_that_fails_half_way_is_not_tried_again_by_the_next_store(
    world: Sandbox, settings: Settings
) -> None:
    refusing = Doorkeeper(world, fails=CaptchaRequired("asked"))
    session = open_it(settings, refusing)
    world.world.cookies.kill_all()

    for store in (STORE, OTHER, STORE):
        with pytest.raises(CaptchaRequired):
            BookingClient(session, settings.naver, settings.make_clock()).count(store, "RC03")

    assert refusing.logins == 1


def test_a_session_that_the_legacy_has_renewed_meanwhile_is_used(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    session = open_it(settings, doorkeeper)
    world.world.cookies.kill_all()
    world.log_in()  # the legacy does, and stores it

    client = BookingClient(session, settings.naver, settings.make_clock())

    assert client.count(STORE, "RC03") == 3
    assert doorkeeper.logins == 0


# --- storing ---------------------------------------------------------------------------------


def test_who_only_looks_uses_a_renewed_login_and_leaves_the_stored_one(
    world: Sandbox, settings: Settings
) -> None:
    session = open_naver_session(
        settings,
        table=a_table(settings),
        clock=settings.make_clock(),
        probe_stores=[STORE],
        looks_only=True,
    )
    visit = session.snapshot()

    visit.http.cookies.set("NID_SES", "renewed-by-naver", domain="127.0.0.1", path="/")
    session.absorb_cookies(visit)

    assert "renewed-by-naver" in session.snapshot().http.cookies.values()
    assert writes(world) == 0


def test_a_renewed_login_cookie_is_stored_at_once_and_only_once(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    world.put_session_item({"id": "1", "cookies": json.dumps(stored(world)), "kept": "yes"})
    session = open_it(settings, doorkeeper)
    visit, other = session.snapshot(), session.snapshot()

    visit.http.cookies.set("NID_SES", "renewed-by-naver", domain="127.0.0.1", path="/")
    session.absorb_cookies(visit)
    session.absorb_cookies(visit)
    session.absorb_cookies(other)  # it still holds the old value, which must not come back

    assert {c["name"]: c["value"] for c in stored(world)}["NID_SES"] == "renewed-by-naver"
    assert writes(world) == 1
    (item,) = [item for item in world.session_items() if item["id"] == "1"]
    assert item["kept"] == "yes"
    assert "renewed-by-naver" not in REDACTOR.scrub("NID_SES=renewed-by-naver; path=/")


def test_other_cookies_of_naver_cost_no_write(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    session = open_it(settings, doorkeeper)
    visit = session.snapshot()

    visit.http.cookies.set("NNB", "changes-always", domain="127.0.0.1", path="/")
    session.absorb_cookies(visit)

    assert writes(world) == 0
    assert session.snapshot().http.cookies.get("NNB") == "changes-always"


def test_a_cookie_that_an_answer_takes_away_is_kept(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    session = open_it(settings, doorkeeper)
    visit = session.snapshot()

    visit.http.cookies.clear()
    session.absorb_cookies(visit)

    assert len(session.snapshot().http.cookies) == 2
    assert writes(world) == 0


def test_a_newer_session_in_the_table_is_not_overwritten_by_an_older_one(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    session = open_it(settings, doorkeeper)
    visit = session.snapshot()
    world.log_in()
    theirs = stored(world)

    visit.http.cookies.set("NID_SES", "renewed-too-late", domain="127.0.0.1", path="/")
    session.absorb_cookies(visit)

    assert stored(world) == theirs


def test_what_is_stored_is_what_a_browser_on_smartplace_may_hold(
    world: Sandbox, settings: Settings
) -> None:
    real = NaverSettings(username=settings.naver.username, password=settings.naver.password)
    manager = SessionStore(a_table(settings), real, settings.make_clock())
    names = {"NID_AUT": ".naver.com", "NID_SES": "naver.com", "x": "www.naver.com", "y": "aver.com"}

    manager.save_if_changed(
        [
            {"name": name, "value": f"value-{name}", "domain": domain, "path": "/", "expiry": 9e9}
            for name, domain in names.items()
        ]
    )

    assert {cookie["name"] for cookie in stored(world)} == {"NID_AUT", "NID_SES"}
    assert all(type(cookie["expiry"]) is int for cookie in stored(world))


@pytest.mark.parametrize(
    ("nid_url", "home"),
    [
        ("https://nid.naver.com", ".naver.com"),
        ("http://127.0.0.1:8080", "127.0.0.1"),
        ("http://localhost:1", "localhost"),
    ],
)
def test_login_cookies_belong_to_the_login_sites_domain(nid_url: str, home: str) -> None:
    assert home_of(nid_url) == home


def test_no_cookie_value_is_logged(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.world.cookies.kill_all()
    put_bookings(world, 60)

    session = open_it(settings, doorkeeper)
    BookingClient(session, settings.naver, settings.make_clock()).bookings(STORE, "RC03")

    for cookie in session.snapshot().given:
        assert cookie["value"] not in caplog.text
        assert cookie["value"] not in repr(session.snapshot())


def test_a_table_that_is_not_there_says_how_to_make_it(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper
) -> None:
    elsewhere = settings.aws.model_copy(update={"session_table": "nowhere"})

    with pytest.raises(Permanent, match="init-tables") as caught:
        open_it(settings.model_copy(update={"aws": elsewhere}), doorkeeper)

    assert isinstance(caught.value.__cause__, ClientError)


@pytest.mark.parametrize("kind", ["status:422", "status:503", "status:403"])
def test_one_broken_store_does_not_make_the_session_look_dead(
    world: Sandbox, settings: Settings, doorkeeper: Doorkeeper, kind: str
) -> None:
    world.world.faults.append(Fault("partner", match="/businesses/1051707/", kind=kind, times=None))

    open_it(settings, doorkeeper, probe_stores=[STORE, OTHER])

    assert doorkeeper.logins == 0
