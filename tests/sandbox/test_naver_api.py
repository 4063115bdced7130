from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from sandbox.naver.bookings import a_booking
from sandbox.naver.lifecycle import cancel, completed_twin, move
from sandbox.naver_switches import Change
from sandbox.scenarios.build import load_scenario
from sandbox.server import Sandbox

STORE = "1051707"
NOW = datetime.fromisoformat("2025-10-22T14:02:15+09:00")
Ask = Callable[..., requests.Response]
USUAL = {
    "bizItemTypes": "STANDARD",
    "bookingStatusCodes": "RC03",
    "dateDropdownType": "ENTIRE",
    "dateFilter": "USEDATE",
    "maxDays": "31",
    "nPayChargedStatusCodes": "",
    "orderBy": "",
    "orderByStartDate": "ASC",
    "paymentStatusCodes": "",
    "searchValue": "",
    "page": "0",
    "size": "50",
    "noCache": "1761109335000",
}


@pytest.fixture
def first_run(world: Sandbox) -> Sandbox:
    world.reset("first-run")
    return world


@pytest.fixture
def owner(world: Sandbox) -> requests.Session:
    """The owner's session, logged in."""
    return log_in(world)


def log_in(world: Sandbox) -> requests.Session:
    login = world.world.cookies.issue(world.world.now())
    session = requests.Session()
    session.cookies.update({"NID_AUT": login.aut, "NID_SES": login.ses})
    return session


def bookings(
    world: Sandbox, session: requests.Session, *, store: str = STORE, **changes: str
) -> requests.Response:
    url = f"{world.urls['partner']}/api/businesses/{store}/bookings?"
    return session.get(url, params={**USUAL, **changes}, allow_redirects=False, timeout=5)


def count(
    world: Sandbox,
    session: requests.Session,
    *,
    store: str = STORE,
    role: str = "OWNER",
    **changes: str,
) -> requests.Response:
    url = f"{world.urls['partner']}/v3.1/businesses/{store}/bookings/count?"
    return session.get(
        url,
        params={**USUAL, **changes},
        headers={"x-booking-naver-role": role},
        allow_redirects=False,
        timeout=5,
    )


def ids(response: requests.Response) -> list[int]:
    assert response.status_code == 200, response.text
    return [raw["bookingId"] for raw in response.json()]


def starts(response: requests.Response) -> list[str]:
    return [raw["snapshotJson"]["startDateTime"] for raw in response.json()]


def test_pages_count_from_zero_and_end_with_an_empty_one(first_run: Sandbox) -> None:
    session = log_in(first_run)

    pages = [ids(bookings(first_run, session, page=str(page))) for page in range(3)]

    assert [len(page) for page in pages] == [50, 8, 0]
    assert len(set(pages[0] + pages[1])) == 58


def test_the_list_is_an_array_at_the_root_and_the_count_an_object(
    world: Sandbox, owner: requests.Session
) -> None:
    assert isinstance(bookings(world, owner).json(), list)
    assert count(world, owner).json() == {"count": 3}


def test_the_whole_of_the_first_run_can_be_read(first_run: Sandbox) -> None:
    session, expected = log_in(first_run), load_scenario("first-run").expected
    read = {"RC03": 0, "RC08": 0}

    for store in first_run.world.stores:
        for status in read:
            listed = ids(
                bookings(first_run, session, store=store, bookingStatusCodes=status, size="200")
            )
            counted = count(first_run, session, store=store, bookingStatusCodes=status).json()
            assert counted == {"count": len(listed)}
            read[status] += len(listed)

    assert read["RC03"] == expected["bookings_confirmed"]
    assert read["RC08"] == expected["bookings_completed"]


@pytest.mark.parametrize(
    ("codes", "expected"), [("RC03", 3), ("RC08", 1), ("RC08,RC03", 4), ("", 4), ("RC04", 0)]
)
def test_statuses_filter_the_list_and_the_count_alike(
    world: Sandbox, owner: requests.Session, codes: str, expected: int
) -> None:
    assert len(ids(bookings(world, owner, bookingStatusCodes=codes))) == expected
    assert count(world, owner, bookingStatusCodes=codes).json() == {"count": expected}


def test_a_range_by_visit_is_inclusive_at_both_ends(
    world: Sandbox, owner: requests.Session
) -> None:
    world.world.stores[STORE][:] = [
        a_booking(STORE, 1, NOW), a_booking(STORE, 2, NOW + timedelta(minutes=1))
    ]  # fmt: skip
    exactly = {
        "startDateTime": "2025-10-22T05:02:15.000Z",
        "endDateTime": "2025-10-22T05:03:15.000Z",
    }

    assert ids(bookings(world, owner, **exactly)) == [1, 2]
    assert ids(
        bookings(world, owner, **{**exactly, "startDateTime": "2025-10-22T05:02:15.001Z"})
    ) == [2]
    assert ids(
        bookings(world, owner, **{**exactly, "endDateTime": "2025-10-22T05:03:14.999Z"})
    ) == [1]
    assert count(world, owner, **exactly).json() == {"count": 2}


def test_a_range_by_registration_looks_at_the_day_of_booking(
    world: Sandbox, owner: requests.Session
) -> None:
    made = NOW - timedelta(days=2)
    world.world.stores[STORE][:] = [
        a_booking(STORE, 1, NOW + timedelta(days=9), made=made),
        a_booking(STORE, 2, NOW, made=NOW - timedelta(days=20)),
    ]

    answer = bookings(
        world,
        owner,
        dateFilter="REGDATE",
        startDateTime="2025-10-20T00:00:00.000Z",
        endDateTime="2025-10-21T00:00:00.000Z",
    )

    assert ids(answer) == [1]


def test_confirmed_bookings_without_a_range_have_no_date_limit(first_run: Sandbox) -> None:
    session = log_in(first_run)

    raws = bookings(first_run, session, size="200").json()

    latest = max(raw["startDate"] for raw in raws)
    assert latest > "2025-12-01"


def test_they_are_ordered_by_start_either_way(world: Sandbox, owner: requests.Session) -> None:
    up, down = (
        starts(bookings(world, owner)),
        starts(bookings(world, owner, orderByStartDate="DESC")),
    )

    assert up == sorted(up)
    assert down == sorted(up, reverse=True)


@pytest.mark.parametrize(
    "value",
    [
        "2025-10-22T00:00:00",
        "2025-10-22T00:00:00Z",
        "2025-10-22T00:00:00+09:00",
        "2025-10-22T00:00:00.000+09:00",
        "2025-10-22T00:00:00.000000Z",
        "2025-13-22T00:00:00.000Z",
        "2025-10-22",
        "gestern",
    ],
)
def test_any_other_form_of_time_is_unprocessable(
    world: Sandbox, owner: requests.Session, value: str
) -> None:
    assert bookings(world, owner, startDateTime=value).status_code == 422
    assert count(world, owner, endDateTime=value).status_code == 422


def test_a_range_of_more_than_31_days_is_refused_unless_switched_off(
    world: Sandbox, owner: requests.Session
) -> None:
    range_of = {"startDateTime": "2025-09-01T00:00:00.000Z"}
    exactly = {**range_of, "endDateTime": "2025-10-02T00:00:00.000Z"}
    longer = {**range_of, "endDateTime": "2025-10-02T00:00:00.001Z"}

    assert bookings(world, owner, **exactly).status_code == 200
    assert bookings(world, owner, **longer).status_code == 422
    world.world.booking_switches.max_range_days = None
    assert bookings(world, owner, **longer).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"page": "-1"},
        {"size": "0"},
        {"size": "1001"},
        {"dateFilter": "useDate"},
        {"dateDropdownType": "ALL"},
        {"bookingStatusCodes": "CONFIRMED"},
        {"bizItemTypes": "standard"},
        {"orderByStartDate": "UP"},
        {"startDateTime": "2025-10-02T00:00:00.000Z", "endDateTime": "2025-10-01T00:00:00.000Z"},
    ],
    ids=str,
)
def test_parameters_it_does_not_know_are_unprocessable(
    world: Sandbox, owner: requests.Session, wrong: dict[str, str]
) -> None:
    assert bookings(world, owner, **wrong).status_code == 422


def test_a_large_page_can_be_cut_silently(first_run: Sandbox) -> None:
    session = log_in(first_run)
    first_run.world.booking_switches.clamp_size = 20

    assert len(ids(bookings(first_run, session, size="50"))) == 20


@pytest.mark.parametrize("role", ["", "CUSTOMER"])
def test_the_count_wants_the_owners_role(
    world: Sandbox, owner: requests.Session, role: str
) -> None:
    assert count(world, owner, role=role).status_code == 403


def test_a_business_of_somebody_else_is_forbidden(world: Sandbox, owner: requests.Session) -> None:
    assert bookings(world, owner, store="999").status_code == 403
    assert count(world, owner, store="999").status_code == 403


@pytest.mark.parametrize(
    ("variant", "status"), [("json401", 401), ("json403", 403), ("redirect", 302), ("html", 200)]
)
def test_without_valid_cookies_it_answers_as_switched(
    world: Sandbox, owner: requests.Session, variant: str, status: int
) -> None:
    world.world.expired_variant = variant
    stranger = requests.Session()
    half = requests.Session()
    half.cookies.set("NID_AUT", str(owner.cookies["NID_AUT"]))

    for session in (stranger, half):
        for answer in (bookings(world, session), count(world, session)):
            assert answer.status_code == status
            if variant == "redirect":
                there = answer.headers["location"]
                assert there.startswith(f"{world.urls['nid']}/nidlogin.login?")
            if variant == "html":
                assert answer.headers["content-type"].startswith("text/html")
                assert "/nidlogin.login" in answer.text


def test_cookies_expire_by_the_worlds_clock(world: Sandbox, owner: requests.Session) -> None:
    assert bookings(world, owner).status_code == 200

    world.world.offset += timedelta(days=31)

    assert bookings(world, owner).status_code == 401


def test_a_log_in_elsewhere_ends_the_session(world: Sandbox, owner: requests.Session) -> None:
    world.world.cookies.kill_all()

    assert count(world, owner).status_code == 401


def test_a_booking_can_arrive_between_count_and_list(
    world: Sandbox, owner: requests.Session
) -> None:
    late = a_booking(STORE, 7, NOW + timedelta(days=1))
    world.world.booking_switches.changes = [Change(STORE, "count", add=late)]

    counted = count(world, owner).json()["count"]

    assert len(ids(bookings(world, owner))) == counted + 1
    assert count(world, owner).json()["count"] == counted + 1


def test_a_booking_can_appear_on_two_pages_while_paging(first_run: Sandbox) -> None:
    session = log_in(first_run)
    early = a_booking(STORE, 7, NOW - timedelta(days=300))
    first_run.world.booking_switches.changes = [Change(STORE, "page:0", add=early)]

    first = ids(bookings(first_run, session))
    second = ids(bookings(first_run, session, page="1"))

    assert len(set(first) & set(second)) == 1


def test_a_booking_can_be_skipped_while_paging(first_run: Sandbox) -> None:
    session = log_in(first_run)
    every = ids(bookings(first_run, session, size="200"))
    leaves = Change(STORE, "page:0", set_status=(every[0], "RC04"))
    first_run.world.booking_switches.changes = [leaves]

    read = ids(bookings(first_run, session)) + ids(bookings(first_run, session, page="1"))

    assert set(every) - set(read) == {every[50]}


def test_a_confirmed_booking_turns_completed_some_time_after_its_end(
    world: Sandbox, owner: requests.Session
) -> None:
    world.world.stores[STORE][:] = [a_booking(STORE, 1, NOW, minutes=60)]
    world.world.booking_switches.complete_after = timedelta(minutes=30)

    world.world.set_now(NOW + timedelta(minutes=89))
    assert ids(bookings(world, owner)) == [1]
    world.world.set_now(NOW + timedelta(minutes=90))
    assert ids(bookings(world, owner)) == []
    assert ids(bookings(world, owner, bookingStatusCodes="RC08")) == [1]


def test_a_moved_booking_is_a_new_one_and_the_old_one_is_gone(
    world: Sandbox, owner: requests.Session
) -> None:
    old = a_booking(STORE, 1, NOW + timedelta(hours=3))
    new = move(old, NOW + timedelta(days=1), new_id=2, at=NOW)
    world.world.stores[STORE][:] = [old, new]

    assert ids(bookings(world, owner)) == [2]
    assert starts(bookings(world, owner)) == ["2025-10-23T05:02:15Z"]
    assert ids(bookings(world, owner, bookingStatusCodes="RC06")) == [1]


def test_a_cancelled_booking_vanishes_from_the_confirmed_ones(
    world: Sandbox, owner: requests.Session
) -> None:
    raw = world.world.stores[STORE][0]
    cancel(raw, at=NOW)

    assert raw["bookingId"] not in ids(bookings(world, owner))
    assert raw["bookingId"] in ids(bookings(world, owner, bookingStatusCodes="RC04"))


def test_one_booking_can_stand_in_both_lists(world: Sandbox, owner: requests.Session) -> None:
    raw = a_booking(STORE, 1, NOW - timedelta(hours=2))
    world.world.stores[STORE][:] = [raw, completed_twin(raw, at=NOW)]

    assert ids(bookings(world, owner)) == [1]
    assert ids(bookings(world, owner, bookingStatusCodes="RC08")) == [1]


def test_a_service_cookie_may_be_wanted_and_the_list_page_sets_it(
    world: Sandbox, owner: requests.Session
) -> None:
    world.world.booking_switches.needs_service_cookie = True
    assert bookings(world, owner).status_code == 401

    page = owner.get(f"{world.urls['partner']}/bizes/{STORE}/booking-list-view", timeout=5)

    assert "예약자관리" in page.text
    assert bookings(world, owner).status_code == 200


def test_the_list_page_shows_a_stranger_the_login_only(world: Sandbox) -> None:
    page = requests.get(f"{world.urls['partner']}/bizes/{STORE}/booking-list-view", timeout=5)

    assert "로그인" in page.text
    assert "예약자관리" not in page.text


def test_bookings_travel_in_the_shape_naver_gives(world: Sandbox, owner: requests.Session) -> None:
    answer = bookings(world, owner)
    raw: dict[str, Any] = answer.json()[0]

    assert answer.headers["content-type"] == "application/json"
    assert raw == next(r for r in world.world.stores[STORE] if r["bookingId"] == raw["bookingId"])
    assert len(raw) > 60
    assert len(raw["snapshotJson"]) > 50


def test_the_date_header_is_the_worlds_time(world: Sandbox, owner: requests.Session) -> None:
    assert bookings(world, owner).headers["date"].startswith("Wed, 22 Oct 2025 05:0")
