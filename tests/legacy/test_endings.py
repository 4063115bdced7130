"""What ends a run of the modelled legacy, against the sandbox over HTTP (L1, L27-L31)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from legacy import run as legacy_run
from legacy.death import Death
from legacy.journal import Outcome
from legacy.model import decide
from sandbox.faults import Fault
from sandbox.naver.bookings import a_booking
from sandbox.server import Sandbox
from tests.legacy.deciding import NOW, REVIEW, STORE, TEXTS, a_raw, an_item, key_of
from tests.legacy.running import OTHER, asked, book, sent, settings_of, told

FAILED = "요청중 오류 발생"
Change = Callable[[dict[str, Any]], Any]


def observed(world: Sandbox, **changes: Any) -> Outcome:
    return legacy_run.observed(settings_of(world, **changes))


def a_row(world: Sandbox) -> dict[str, Any]:
    row: dict[str, Any] = world.world.stores[STORE][-1]
    return row


def without(*path: str) -> Change:
    return lambda row: _holder(row, path).pop(path[-1])


def having(*path: str, to: Any) -> Change:
    return lambda row: _holder(row, path).__setitem__(path[-1], to)


def _holder(row: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    holder = row
    for name in path[:-1]:
        holder = holder[name]
    return holder


START, OPTIONS = ("snapshotJson", "startDateTime"), ("snapshotJson", "bookingOptionJson")
UNREADABLE = {
    "no phone": without("phone"),
    "no name": without("name"),
    "no bookingId": without("bookingId"),
    "no businessId": without("businessId"),
    "no snapshotJson": without("snapshotJson"),
    "no start": without(*START),
    "no options": without(*OPTIONS),
    "null phone": having("phone", to=None),
    "a phone that is a number": having("phone", to=1000000001),
    "null snapshotJson": having("snapshotJson", to=None),
    "null start": having(*START, to=None),
    "null options": having(*OPTIONS, to=None),
    "a start with an offset": having(*START, to="2025-10-22T07:00:00+00:00"),
    "a start with milliseconds": having(*START, to="2025-10-22T07:00:00.000Z"),
    "a start in words": having(*START, to="어제 오후 세 시"),
    "a start at the end of time": having(*START, to="9999-12-31T20:00:00Z"),
    "an option without a name": having(*OPTIONS, to=[{"name": "네이버"}, {"optionId": 1}]),
    "an option whose name is null": having(*OPTIONS, to=[{"name": None}]),
    "an option that is null": having(*OPTIONS, to=[None]),
    "options that are a number": having(*OPTIONS, to=3),
}


@pytest.mark.parametrize("change", UNREADABLE.values(), ids=UNREADABLE)
def test_l27_a_row_that_cannot_be_read_ends_the_run_for_all_stores(
    shop: Sandbox, change: Change
) -> None:
    book(shop, 1)
    book(shop, 2)
    change(a_row(shop))
    start = shop.world.now().replace(second=0, microsecond=0)
    shop.world.stores[OTHER].append(a_booking(OTHER, 3, start, phone="01000000003"))

    for _ in range(2):  # and again as long as it is listed
        outcome = observed(shop)
        assert outcome.died
        assert outcome.died.cause == "L27"
        assert (outcome.died.store_id, outcome.died.raised) == (STORE, False)

    assert (sent(shop), shop.sms_items()) == ([], [])
    assert told(shop) == [FAILED] * 2
    assert asked(shop, "partner", OTHER) == []


READABLE = {
    "null name": having("name", to=None),
    "null bookingId": having("bookingId", to=None),
    "an empty phone": having("phone", to=""),
    "a short phone": having("phone", to="010"),
    "a phone of twelve digits": having("phone", to="050200000123"),
    "a phone of words": having("phone", to="공일공영영영영"),
    "no option": having(*OPTIONS, to=[]),
    "an option of no name at all": having(*OPTIONS, to=[{"name": ""}]),
    "a start of the past": having(*START, to="1969-01-02T03:04:05Z"),
}


@pytest.mark.parametrize("change", READABLE.values(), ids=READABLE)
def test_l27_a_row_that_only_looks_odd_ends_nothing(shop: Sandbox, change: Change) -> None:
    book(shop, hours=30)
    change(a_row(shop))

    outcome = observed(shop)

    assert (outcome.died, len(outcome.writes)) == (None, 1)
    assert told(shop)[0].endswith("예약확정 문자 발송 완료")


def test_l27_a_completed_row_does_so_at_every_hour_and_outside_the_range_it_does_not(
    shop: Sandbox,
) -> None:
    book(shop, 1, hours=30)
    book(shop, 2, hours=-48, status="RC08", options=REVIEW)
    a_row(shop)["phone"] = None
    assert observed(shop).died is None  # no item is open, so no range is asked for

    shop.world.telegram.clear()
    for number, time in ((3, "2025-10-19 00:00:00"), (4, "2025-10-23 00:00:00")):
        shop.put_sms_item(an_item(number, booking_time=time)[key_of(number)])
    died = observed(shop).died

    assert shop.world.now().hour != 20
    assert died == Death(
        "L27", "TypeError: 'NoneType' object is not subscriptable", STORE, f"{STORE}_2"
    )
    assert told(shop) == [FAILED]
    assert len(asked(shop, "partner", "RC03")) == 3  # of the first run: two counts and a page


def test_l27_deciding_only_ends_at_the_first_row_completed_ones_first() -> None:
    wrong = [a_raw(number, phone=None) for number in (1, 2)]

    outcome = decide([wrong[0]], [wrong[1]], {}, now=lambda: NOW, texts=TEXTS)

    assert outcome.died
    assert outcome.died.booking_num == f"{STORE}_2"
    assert [step.what for step in outcome.steps] == ["telegram"]
    assert (outcome.telegram, outcome.lines, outcome.items) == ((FAILED,), (), {})


@pytest.mark.parametrize("row", ["null", "3", '"text"', "[]"])
def test_l27_a_row_that_is_no_object_ends_the_run(shop: Sandbox, row: str) -> None:
    assert _died_of_a_page(shop, f"[{row}]") == "L27"


@pytest.mark.parametrize(
    "body", ['{"status": 401, "message": "x"}', '"text"', "3", "true", "null", "<html>", "", "[{}"]
)
def test_l28_a_page_that_is_no_list_ends_the_run(shop: Sandbox, body: str) -> None:
    assert _died_of_a_page(shop, body) == "L28"


@pytest.mark.parametrize("status", [401, 403, 500])
def test_l28_an_error_with_a_body_ends_the_run(shop: Sandbox, status: int) -> None:
    assert _died_of_a_page(shop, "", kind=f"status:{status}") == "L28"


@pytest.mark.parametrize("body", ["{}", "[]", '""'])
def test_l28_a_page_with_nothing_to_go_through_ends_nothing(shop: Sandbox, body: str) -> None:
    assert _died_of_a_page(shop, body) is None


def _died_of_a_page(world: Sandbox, body: str, *, kind: str = "json") -> str | None:
    book(world)
    page = f"/api/businesses/{STORE}/bookings"
    world.world.faults.append(Fault("partner", page, kind, value=body))
    died = observed(world).died
    assert sent(world) == []
    assert told(world) == [FAILED if died else "문자 발송 대상 없음"]
    return died.cause if died else None


def cookies_are(world: Sandbox, value: Any) -> None:
    (item,) = [item for item in world.session_items() if item["id"] == "1"]
    world.put_session_item({**item, "cookies": value})


@pytest.mark.parametrize("value", ["no JSON", "[{", [{"name": "NID_AUT", "value": "x"}], 7])
def test_l1_cookies_that_are_no_json_text_end_every_run_without_a_login(
    shop: Sandbox, value: Any
) -> None:
    book(shop)
    cookies_are(shop, value)

    for _ in range(2):
        died = observed(shop).died
        assert died
        assert died.cause == "L1"

    assert told(shop) == [FAILED] * 2
    assert (asked(shop, "nid"), asked(shop, "partner"), shop.world.login_attempts) == ([], [], 0)


def test_l30_a_warm_start_reads_the_cookies_and_ends_with_the_error_text(shop: Sandbox) -> None:
    book(shop)
    assert settings_of(shop).warm_start is False

    outcome = observed(shop, warm_start=True, check_in_browser=True)

    assert outcome.died
    assert (outcome.died.cause, outcome.died.raised) == ("L30", False)
    services = [seen.service for seen in shop.world.requests]
    assert services == ["aws", "telegram"]
    assert (sent(shop), told(shop)) == ([], [FAILED])


def test_l31_a_handler_raises_when_neither_telegram_call_gets_through(shop: Sandbox) -> None:
    book(shop)
    shop.world.faults.append(Fault("telegram", "", "drop_before", times=None))

    with pytest.raises(requests.ConnectionError):
        legacy_run.run(settings_of(shop))

    texts = [seen.body for seen in asked(shop, "telegram")]
    assert len(texts) == 2  # the lines, then the error text
    assert len(sent(shop)) == 2  # the messages are out all the same
    died = observed(shop).died
    assert died
    assert (died.cause, died.raised) == ("L31", True)


def test_l31_one_telegram_call_that_breaks_is_followed_by_the_error_text(shop: Sandbox) -> None:
    book(shop)
    shop.world.faults.append(Fault("telegram", "", "drop_before"))

    died = observed(shop).died

    assert told(shop) == [FAILED]
    assert died
    assert (died.cause, died.raised) == ("L31", False)


def test_l31_a_browser_that_cannot_start_ends_it_without_any_text(shop: Sandbox) -> None:
    book(shop)
    gone = {"check_in_browser": True, "chromedriver": "/nowhere/chromedriver"}

    outcome = observed(shop, **gone)

    assert outcome.died
    assert (outcome.died.cause, outcome.died.raised) == ("L31", True)
    assert (outcome.steps, shop.world.requests) == ((), [])
    with pytest.raises(Exception, match="L31"):
        legacy_run.run(settings_of(shop, **gone))


def test_l31_a_text_over_4096_characters_is_refused_and_nobody_looks(shop: Sandbox) -> None:
    for number in range(150):
        book(shop, number, hours=30)

    outcome = observed(shop)

    (text,) = outcome.telegram
    assert len(text) > 4096
    assert (outcome.died, len(sent(shop)), told(shop)) == (None, 150, [])
    (seen,) = asked(shop, "telegram")
    assert seen.status == 400


def test_l31_nobody_but_the_line_itself_ends_a_call_that_hangs(shop: Sandbox) -> None:
    """Shown by what is handed to requests: a test cannot wait for ever."""
    handed: list[Any] = []
    send = requests.Session.send

    def noting(self: requests.Session, request: Any, **options: Any) -> requests.Response:
        handed.append(options["timeout"])
        return send(self, request, **options)

    book(shop)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.Session, "send", noting)
        observed(shop)

    assert len(handed) == 6  # two counts, a page, two messages, Telegram
    assert set(handed) == {None}
