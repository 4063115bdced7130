"""Bookings and answers that are odd, and must be neither lost nor doubled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from requests import Request, Response

from naverplace.base.clock import SEOUL
from naverplace.base.errors import BadResponse, Throttled
from naverplace.naver.booking_api import Window, read_count, read_page, stamp
from naverplace.naver.booking_client import BookingClient, Raw, completed_window
from naverplace.naver.request_slots import RequestSlots
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.naver.bookings import a_booking
from sandbox.naver_switches import BookingSwitches, Change
from sandbox.server import Sandbox
from tests.naver.naver_reading import STORE, Doorkeeper, open_it, put_bookings, seen_by

AUTUMN = datetime(2025, 10, 22, 14, 2, 15, tzinfo=SEOUL)


@pytest.fixture
def client(world: Sandbox, settings: Settings) -> BookingClient:
    session = open_it(settings, Doorkeeper(world))
    world.world.requests.clear()
    return BookingClient(session, settings.naver, settings.make_clock(), RequestSlots(1))


def ids(listing: Sequence[Raw]) -> list[int]:
    return [raw["bookingId"] for raw in listing]


def test_a_booking_without_an_id_is_kept_for_quarantine(
    world: Sandbox, client: BookingClient
) -> None:
    for raw in put_bookings(world, 3)[:2]:
        del raw["bookingId"]

    assert len(client.bookings(STORE, "RC03")) == 3


def test_two_bookings_without_an_id_in_two_windows_are_two(
    world: Sandbox, client: BookingClient
) -> None:
    world.world.stores[STORE] = [
        a_booking(STORE, number, AUTUMN - timedelta(days=day), status="RC08")
        for number, day in ((1, 0), (2, 30))
    ]
    for raw in world.world.stores[STORE]:
        del raw["bookingId"]

    assert len(client.bookings(STORE, "RC08", completed_window(AUTUMN, 31))) == 2


@pytest.mark.parametrize(
    ("kind", "value"),
    [("status:422", None), ("json", "[" * 100_000), ("json", '{"a":' * 50_000)],
    ids=("refused", "lists", "objects"),
)
def test_an_odd_answer_is_a_bad_response_that_quotes_nothing(
    world: Sandbox, client: BookingClient, kind: str, value: str | None
) -> None:
    world.world.faults.append(Fault("partner", "/bookings", kind, times=None, value=value))

    with pytest.raises(BadResponse) as refused:
        client.bookings(STORE, "RC03")

    assert "[[[" not in str(refused.value)
    assert "{" not in str(refused.value)


def test_a_refused_query_is_told_without_the_words_of_naver() -> None:
    answer = Response()
    answer.status_code, answer._content = 422, "나무늘보 010-0000-0001".encode()
    answer.request = Request("GET", "https://x.example/?page=0").prepare()

    with pytest.raises(BadResponse) as refused:
        read_count(answer, STORE)

    assert "나무늘보" not in str(refused.value)
    assert "page=0" in str(refused.value)


def test_a_booking_with_a_broken_time_is_in_every_part_and_kept_once(
    world: Sandbox, client: BookingClient
) -> None:
    broken = a_booking(STORE, 1, "yesterday", status="RC08", changes={"startDate": "?"})
    world.world.stores[STORE] = [broken, a_booking(STORE, 2, AUTUMN, status="RC08")]

    listing = client.bookings(STORE, "RC08", completed_window(AUTUMN, 31))

    assert sorted(ids(listing)) == [1, 2]


def test_visits_at_the_edge_of_two_parts_are_in_exactly_one(
    world: Sandbox, client: BookingClient
) -> None:
    window = completed_window(AUTUMN, 31)
    edge = window.start + timedelta(days=30)
    starts = [window.start, edge - timedelta(minutes=1), edge, AUTUMN]
    world.world.stores[STORE] = [
        a_booking(STORE, n, start, status="RC08") for n, start in enumerate(starts, start=1)
    ]

    listing = client.bookings(STORE, "RC08", window)

    assert ids(listing) == [1, 2, 3, 4]
    assert client.count(STORE, "RC08", window) == 4


def test_of_two_versions_of_a_booking_the_newer_one_counts(
    world: Sandbox, client: BookingClient
) -> None:
    put = put_bookings(world, 60)
    last_of_page_0 = put[49]
    early = a_booking(STORE, 1, world.world.now() + timedelta(minutes=5))

    def rename() -> None:
        last_of_page_0["bookingCount"] = 7

    world.world.booking_switches = _Renaming(rename, Change(STORE, "page:0", add=early, skip=1))

    listing = client.bookings(STORE, "RC03")

    (kept,) = [raw for raw in listing if raw["bookingId"] == last_of_page_0["bookingId"]]
    assert kept["bookingCount"] == 7
    assert len(listing) == 60


class _Renaming(BookingSwitches):
    """Does something more when the first change is due."""

    def __init__(self, act: Callable[[], None], change: Change) -> None:
        super().__init__(changes=[change])
        self.act = act

    def due(self, store_id: str, after: str) -> list[Change]:
        changes = super().due(store_id, after)
        if changes:
            self.act()
        return changes


def test_an_empty_list_is_counted_where_believing_it_would_withhold_guides(
    world: Sandbox, client: BookingClient
) -> None:
    put_bookings(world, 0)

    assert client.bookings(STORE, "RC08", completed_window(AUTUMN, 30)) == ()
    assert len(seen_by(world, "partner")) == 1
    assert client.bookings(STORE, "RC03") == ()
    assert len(seen_by(world, "partner")) == 3


def test_a_count_carries_the_owners_headers_and_a_list_only_cookies(
    world: Sandbox, client: BookingClient
) -> None:
    client.bookings(STORE, "RC03")

    listed, counted = seen_by(world, "partner")
    assert counted.headers["x-booking-naver-role"] == "OWNER"
    assert counted.headers["referer"].endswith(f"/bizes/{STORE}/booking-list-view")
    assert counted.headers["authority"] == world.urls["partner"].removeprefix("http://")
    assert "x-booking-naver-role" not in listed.headers
    assert "NID_AUT=" in listed.headers["cookie"]
    assert "NID_SES=" in listed.headers["cookie"]


def test_a_wait_of_many_minutes_is_left_to_the_next_run(
    world: Sandbox, client: BookingClient
) -> None:
    world.world.faults = [Fault("partner", "/api/", kind="status:429", value=600, times=None)]

    with pytest.raises(Throttled) as caught:
        client.bookings(STORE, "RC03")

    assert caught.value.retry_after == 600
    assert len(seen_by(world, "partner", "/api/")) == 1


def test_a_year_is_asked_for_in_parts_that_naver_takes(
    world: Sandbox, client: BookingClient
) -> None:
    listing = client.bookings(STORE, "RC08", completed_window(AUTUMN, 366))

    assert len(seen_by(world, "partner", "/api/")) == 12
    assert len(listing) == len(set(ids(listing)))


def test_a_moment_without_a_zone_is_no_moment() -> None:
    with pytest.raises(ValueError, match="zone"):
        stamp(datetime(2025, 10, 22))  # noqa: DTZ001


def test_milliseconds_are_cut_and_not_rounded() -> None:
    late = datetime(2025, 10, 22, 23, 59, 59, 999_999, tzinfo=SEOUL)

    assert stamp(late) == "2025-10-22T14:59:59.999Z"
    assert completed_window(late, 1) == Window(
        datetime(2025, 10, 21, tzinfo=SEOUL), late.replace(microsecond=999_000)
    )


def an_answer(body: str, *, status: int = 200) -> Response:
    answer = Response()
    answer.status_code, answer._content = status, body.encode()
    answer.request = Request("GET", "http://127.0.0.1/?size=50&orderBy=").prepare()
    return answer


@pytest.mark.parametrize("body", ["[]", "{}", '{"count": "3"}', '{"count": -1}', '{"count": true}'])
def test_a_count_that_is_no_number_is_not_taken_for_none(body: str) -> None:
    with pytest.raises(BadResponse, match="no number"):
        read_count(an_answer(body), STORE)


@pytest.mark.parametrize("body", ["{}", '{"bookings": []}', "null", '"x"'])
def test_a_list_that_is_none_is_not_taken_for_an_empty_one(body: str) -> None:
    with pytest.raises(BadResponse, match="no array"):
        read_page(an_answer(body), STORE)


def test_what_is_no_booking_in_a_list_is_one_without_an_id() -> None:
    assert read_page(an_answer('[null, {"bookingId": 1}, 7]'), STORE) == [{}, {"bookingId": 1}, {}]


def test_a_page_of_more_bookings_than_anybody_has_is_not_used() -> None:
    with pytest.raises(BadResponse, match="5001 bookings on one page"):
        read_page(an_answer("[{}" + ",{}" * 5000 + "]"), STORE)


@pytest.mark.parametrize("status", [201, 204, 400, 404, 410])
def test_another_status_than_200_is_not_its_interface(status: int) -> None:
    with pytest.raises(BadResponse, match=f"answered {status}"):
        read_page(an_answer("[]", status=status), STORE)
