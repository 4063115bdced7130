"""All bookings of a store are read, each once, whatever the booking API does meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naverplace.base.clock import SEOUL
from naverplace.base.errors import (
    BadResponse,
    ServiceUnavailable,
    SessionExpired,
    Throttled,
)
from naverplace.domain.booking import BookingStatus
from naverplace.naver import booking_client
from naverplace.naver.booking_api import Window
from naverplace.naver.booking_client import BookingClient, completed_window, split_window
from naverplace.naver.session import NaverSession
from naverplace.settings.schema import Settings
from sandbox.credentials import STORE_IDS
from sandbox.faults import Fault
from sandbox.naver.bookings import a_booking
from sandbox.naver_switches import Change
from sandbox.request_log import Seen
from sandbox.server import Sandbox
from tests.naver.naver_reading import OTHER, STORE, Doorkeeper, open_it, put_bookings

CONFIRMED, COMPLETED = BookingStatus.CONFIRMED, BookingStatus.COMPLETED
LISTS = f"GET /api/businesses/{STORE}/bookings"
COUNTS = f"GET /v3.1/businesses/{STORE}/bookings/count"


@pytest.fixture
def authenticator(world: Sandbox) -> Doorkeeper:
    return Doorkeeper(world)


@pytest.fixture
def session(world: Sandbox, settings: Settings, authenticator: Doorkeeper) -> NaverSession:
    opened = open_it(settings, authenticator)
    world.world.requests.clear()
    return opened


@pytest.fixture
def client(session: NaverSession, settings: Settings) -> BookingClient:
    return BookingClient(session, settings.naver, settings.make_clock())


def small_pages(
    session: NaverSession, settings: Settings, size: int = 10, parallel: int = 6
) -> BookingClient:
    smaller = settings.naver.model_copy(update={"page_size": size, "parallel": parallel})
    return BookingClient(session, smaller, settings.make_clock())


def fill(world: Sandbox, count: int, *, status: str = "RC03", days: int = 1) -> None:
    """Put that many bookings into the store, `days` from now and hourly after."""
    now = world.world.now()
    world.world.stores[STORE] = [
        made(number, start=now + timedelta(days=days, hours=number), status=status)
        for number in range(count)
    ]


def made(number: int, *, start: datetime, status: str = "RC03") -> dict[str, Any]:
    return a_booking(STORE, 2_000_000 + number, start=start, status=status)


def ids(raws: Sequence[dict[str, Any]]) -> list[int]:
    return sorted(raw["bookingId"] for raw in raws)


def asked(world: Sandbox, words: str) -> list[Seen]:
    return [seen for seen in world.world.requests if words in seen.line]


def one(seen: Seen) -> dict[str, str]:
    return dict(parse_qsl(seen.query, keep_blank_values=True))


# -- what is asked


def test_the_parameters_are_the_legacys(world: Sandbox, client: BookingClient) -> None:
    client.bookings(STORE, CONFIRMED)

    (count,), (page,) = asked(world, COUNTS), asked(world, LISTS)
    expected = {
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
    }
    for seen in (count, page):
        query = one(seen)
        assert abs(int(query.pop("noCache")) / 1000 - world.world.now().timestamp()) < 60
        assert query == expected
    assert count.headers["x-booking-naver-role"] == "OWNER"
    assert count.headers["referer"].endswith(f"/bizes/{STORE}/booking-list-view")


def test_completed_bookings_are_asked_for_in_utc_milliseconds(
    world: Sandbox, client: BookingClient
) -> None:
    window = completed_window(datetime(2025, 10, 22, 14, 2, tzinfo=SEOUL), 3)

    listing = client.bookings(STORE, COMPLETED, window)

    assert len(listing) == 1
    query = one(asked(world, LISTS)[0])
    assert query["startDateTime"] == "2025-10-18T15:00:00.000Z"
    assert query["endDateTime"] == "2025-10-22T14:59:59.999Z"


def test_a_long_window_is_asked_for_in_parts(
    world: Sandbox, client: BookingClient, settings: Settings
) -> None:
    now = world.world.now()
    world.world.stores[STORE] = [
        made(number, start=now - timedelta(days=number), status="RC08") for number in range(90)
    ]

    listing = client.bookings(STORE, COMPLETED, completed_window(now, 89))

    assert ids(listing) == list(range(2_000_000, 2_000_090))
    assert len([seen for seen in asked(world, LISTS) if one(seen)["page"] == "0"]) == 3
    assert client.count(STORE, COMPLETED, completed_window(now, 89)) == 90


def test_a_query_that_naver_refuses_is_a_bad_response_not_tried_again(
    world: Sandbox, client: BookingClient
) -> None:
    world.world.faults.append(Fault("partner", COUNTS, "status:422", times=None))

    with pytest.raises(BadResponse, match=f"{STORE}.*422"):
        client.count(STORE, CONFIRMED)

    assert len(asked(world, COUNTS)) == 1


# -- pages


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 37])
def test_every_booking_is_read_once_whatever_the_number_of_pages(
    world: Sandbox, session: NaverSession, settings: Settings, count: int
) -> None:
    fill(world, count)

    listing = small_pages(session, settings).bookings(STORE, CONFIRMED)

    assert ids(listing) == list(range(2_000_000, 2_000_000 + count))


def test_pages_shorter_than_asked_for_lose_nobody(
    world: Sandbox, session: NaverSession, settings: Settings
) -> None:
    fill(world, 25)
    world.world.booking_switches.clamp_size = 7

    listing = small_pages(session, settings).bookings(STORE, CONFIRMED)

    assert len(listing) == 25


def test_a_booking_that_moves_to_the_next_page_is_dropped_there(
    world: Sandbox, session: NaverSession, settings: Settings
) -> None:
    fill(world, 15)
    early = made(99, start=world.world.now() + timedelta(hours=1))
    world.world.booking_switches.changes.append(Change(STORE, "page:0", add=early, skip=1))

    listing = small_pages(session, settings, parallel=1).bookings(STORE, CONFIRMED)

    assert len(set(ids(listing))) == len(listing) == 15


@pytest.mark.parametrize("skip", [0, 1])
def test_a_booking_that_slipped_between_two_pages_is_found_by_reading_again(
    world: Sandbox, session: NaverSession, settings: Settings, skip: int
) -> None:
    fill(world, 15)
    cancelled = Change(STORE, "page:0", set_status=(2_000_000, "RC04"), skip=skip)
    world.world.booking_switches.changes.append(cancelled)

    listing = small_pages(session, settings, parallel=1).bookings(STORE, CONFIRMED)

    assert ids(listing) == list(range(2_000_001, 2_000_015))


def test_a_list_that_stays_shorter_than_its_count_is_refused_with_the_numbers(
    world: Sandbox, session: NaverSession, settings: Settings
) -> None:
    fill(world, 15)
    # Whatever is read, one is missing: the same booking twice is one booking.
    world.world.stores[STORE].append(dict(world.world.stores[STORE][-1]))

    with pytest.raises(ServiceUnavailable, match=rf"{STORE}.*counts 16 and lists 15"):
        small_pages(session, settings).bookings(STORE, CONFIRMED)

    assert len(asked(world, COUNTS)) == 2


def test_a_booking_that_arrives_after_the_count_is_welcome(
    world: Sandbox, session: NaverSession, settings: Settings
) -> None:
    fill(world, 13)
    late = made(50, start=world.world.now() + timedelta(days=3))
    world.world.booking_switches.changes.append(Change(STORE, "count", add=late))

    listing = small_pages(session, settings).bookings(STORE, CONFIRMED)

    assert len(listing) == 14


@pytest.mark.parametrize("bookings", [7, 10, 26])
def test_a_count_of_nothing_is_not_believed_where_bookings_are_listed(
    world: Sandbox, session: NaverSession, settings: Settings, bookings: int
) -> None:
    fill(world, bookings)
    world.world.faults.append(Fault("partner", COUNTS, "json", times=None, value='{"count": 0}'))

    listing = small_pages(session, settings).bookings(STORE, CONFIRMED)

    assert len(listing) == bookings


def test_an_empty_list_of_confirmed_bookings_is_not_believed_against_the_count(
    world: Sandbox, client: BookingClient
) -> None:
    world.world.faults.append(Fault("partner", LISTS, "json", times=None, value="[]"))

    with pytest.raises(ServiceUnavailable, match="counts 3 and lists 0"):
        client.bookings(STORE, CONFIRMED)


def test_only_the_longest_of_the_short_first_pages_is_counted(
    world: Sandbox, client: BookingClient
) -> None:
    for store, bookings in {STORE: 4, OTHER: 9, "1120125": 8, "1285716": 3}.items():
        put_bookings(world, bookings, store=store)
        assert len(client.bookings(store, CONFIRMED)) == bookings

    # 8 and 3 are shorter than another page, which shows that Naver did not cut them.
    assert [seen.target.split("/")[3] for seen in asked(world, "/count")] == [STORE, OTHER]


def test_a_list_without_end_is_given_up(
    world: Sandbox, session: NaverSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(booking_client, "MOST_PAGES", 12)
    fill(world, 150)

    with pytest.raises(BadResponse, match="does not end after 12 pages"):
        small_pages(session, settings).bookings(STORE, CONFIRMED)


# -- how many at once


def test_stores_pages_and_rechecks_together_keep_one_limit_and_the_connections(
    world: Sandbox, session: NaverSession, settings: Settings
) -> None:
    for store in STORE_IDS:
        put_bookings(world, 35, store=store)
    world.world.latency["partner"] = 0.02
    client = small_pages(session, settings, parallel=4)
    window = completed_window(world.world.now(), 30)

    with ThreadPoolExecutor(16) as pool:
        both = [pool.submit(client.confirmed_and_completed, store, window) for store in STORE_IDS]
        again = [pool.submit(client.bookings, store, CONFIRMED) for store in STORE_IDS]
        read = [future.result() for future in both]
        assert all(len(future.result()) == 35 for future in again)

    assert all(len(confirmed) == 35 and not completed for confirmed, completed in read)
    assert most_at_once(asked(world, "/businesses/")) == 4
    assert len(client.slots._idle) == 4


def most_at_once(requests: Sequence[Seen]) -> int:
    """Count how many requests were under way at the busiest moment."""
    moments = [(seen.at.timestamp(), 1) for seen in requests]
    moments += [(seen.at.timestamp() + seen.seconds, -1) for seen in requests]
    return max(accumulate(change for _, change in sorted(moments)))


# -- what goes wrong


@pytest.mark.parametrize(
    "kind", ["status:503", "status:500", "drop_before", "truncate", "truncate_text"]
)
def test_a_fault_is_outlasted(world: Sandbox, client: BookingClient, kind: str) -> None:
    world.world.faults.append(Fault("partner", LISTS, kind, times=2))

    assert len(client.bookings(STORE, CONFIRMED)) == 3


def test_a_silent_service_is_a_fault_too(
    world: Sandbox, session: NaverSession, settings: Settings
) -> None:
    world.world.faults.append(Fault("partner", COUNTS, "timeout_before", times=1))
    hasty = settings.naver.model_copy(update={"read_timeout": 0.5})

    assert BookingClient(session, hasty, settings.make_clock()).count(STORE, CONFIRMED) == 3


def test_a_lasting_fault_ends_after_the_attempts_and_is_no_login(
    world: Sandbox, client: BookingClient, settings: Settings, authenticator: Doorkeeper
) -> None:
    world.world.faults.append(Fault("partner", COUNTS, "status:503", times=None))

    with pytest.raises(ServiceUnavailable, match="503") as caught:
        client.count(STORE, CONFIRMED)

    assert len(asked(world, COUNTS)) == settings.naver.attempts
    assert authenticator.logins == 0
    assert "noCache" not in str(caught.value)


def test_naver_is_given_the_time_it_asks_for(world: Sandbox, client: BookingClient) -> None:
    world.world.faults.append(Fault("partner", COUNTS, "status:429", value=1))

    assert client.count(STORE, CONFIRMED) == 3

    first, second = asked(world, COUNTS)
    assert (second.at - first.at).total_seconds() >= 1.0


def test_being_asked_to_wait_for_ever_is_throttled(
    world: Sandbox, client: BookingClient, authenticator: Doorkeeper
) -> None:
    world.world.faults.append(Fault("partner", COUNTS, "status:429", value=0, times=None))

    with pytest.raises(Throttled):
        client.count(STORE, CONFIRMED)

    assert authenticator.logins == 0


def test_what_is_not_the_interface_is_a_bad_response(world: Sandbox, client: BookingClient) -> None:
    world.world.faults.append(Fault("partner", LISTS, "status:404", times=None))

    with pytest.raises(BadResponse, match=STORE) as caught:
        client.bookings(STORE, CONFIRMED)

    assert "bookingId" not in str(caught.value)


# -- a session that ends half way


@pytest.mark.parametrize("variant", ["json401", "json403", "redirect", "html"])
def test_a_session_that_ends_half_way_is_renewed_once_and_nothing_is_lost(
    world: Sandbox,
    session: NaverSession,
    settings: Settings,
    authenticator: Doorkeeper,
    variant: str,
) -> None:
    fill(world, 35)
    world.world.expired_variant = variant
    world.world.faults.append(Fault("partner", LISTS, "expire_session", after=2))

    listing = small_pages(session, settings).bookings(STORE, CONFIRMED)

    assert ids(listing) == list(range(2_000_000, 2_000_035))
    assert authenticator.logins == 1
    assert session.generation == 1


def test_a_session_that_ends_twice_is_not_renewed_twice(
    world: Sandbox, session: NaverSession, settings: Settings, authenticator: Doorkeeper
) -> None:
    fill(world, 35)
    world.world.faults += [
        Fault("partner", LISTS, "expire_session", after=1),
        Fault("partner", LISTS, "expire_session", after=3),
    ]

    with pytest.raises(SessionExpired):
        small_pages(session, settings, parallel=1).bookings(STORE, CONFIRMED)

    assert authenticator.logins == 1


def test_many_stores_that_meet_the_end_at_once_log_in_once(
    world: Sandbox, session: NaverSession, settings: Settings, authenticator: Doorkeeper
) -> None:
    clients = [BookingClient(session, settings.naver, settings.make_clock()) for _ in range(6)]
    world.world.cookies.kill_all()
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda c=client: found.append(c.count(STORE, CONFIRMED)))
        for client in clients
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [3] * 6
    assert authenticator.logins == 1


def test_a_store_of_somebody_else_costs_no_login(
    world: Sandbox, client: BookingClient, authenticator: Doorkeeper
) -> None:
    with pytest.raises(BadResponse, match=r"4711.*does this account manage"):
        client.count("4711", CONFIRMED)

    assert authenticator.logins == 0


# -- windows

moments = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001
    max_value=datetime(2030, 1, 1),  # noqa: DTZ001
    timezones=st.just(SEOUL),
)


@given(start=moments, length=st.integers(0, 400 * 86_400_000), days=st.integers(1, 31))
def test_the_parts_cover_a_window_without_gap_overlap_or_excess(
    start: datetime, length: int, days: int
) -> None:
    window = Window(start, start + timedelta(milliseconds=length))

    parts = split_window(window, days=days)

    millisecond = timedelta(milliseconds=1)
    assert start - parts[0].start < millisecond
    assert window.end - parts[-1].end < millisecond
    for part, following in pairwise(parts):
        assert following.start - part.end == millisecond
    for part in parts:
        assert timedelta() <= part.end - part.start < timedelta(days=days)


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    now = datetime(2025, 10, 22, tzinfo=SEOUL)

    with pytest.raises(ValueError, match="before it starts"):
        split_window(Window(now, now - timedelta(days=1)), days=30)


def test_completed_bookings_are_read_by_whole_days_of_seoul() -> None:
    window = completed_window(datetime.fromisoformat("2025-10-22T23:30:00+00:00"), 31)

    assert window.start == datetime.fromisoformat("2025-09-22T00:00:00+09:00")
    assert window.end == datetime.fromisoformat("2025-10-23T23:59:59.999+09:00")
