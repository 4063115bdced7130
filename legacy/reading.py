"""How the legacy reads the booking lists, row by row while it fetches (L5-L9, L22, L24-L28)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from legacy.bookings import Booking, read_all
from legacy.death import ending
from legacy.ports import Item, Naver, Table, forgotten

SIZE = 50
CONFIRMED, COMPLETED = "RC03", "RC08"


def read_completed(
    naver: Naver,
    table: Table,
    store_ids: Sequence[str],
    *,
    pause: Callable[[], None],
    swallowed: Callable[[str, Exception], None] = forgotten,
) -> list[Booking]:
    """Read the completed bookings; a store without a range ends it for all after it (L8)."""
    found: list[Booking] = []
    items = table.open_items()
    for store_id in store_ids:
        try:
            window = range_of(items, store_id)
        except Exception as error:  # noqa: BLE001 - L8: around the loop, not around one store
            swallowed("L8", error)
            break
        found += _pages(naver, store_id, COMPLETED, window, pause)
    return found


def range_of(items: Sequence[Item], store_id: str) -> tuple[str, str]:
    """Give the earliest and latest booking_time of a store's open items, as Naver is told them.

    Local times are stamped Z without shifting, nine hours off (L8); ids that begin with this id
    count too (L24). Raises when the store has none, and when one of the two has another form.
    """
    times = sorted(
        item["booking_time"] for item in items if item["booking_num"].startswith(store_id)
    )
    return _stamp(times[0]), _stamp(times[-1])


def _stamp(local: str) -> str:
    read = datetime.strptime(local, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
    return read.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def read_confirmed(
    naver: Naver, store_ids: Sequence[str], *, pause: Callable[[], None]
) -> list[Booking]:
    """Read the confirmed bookings of every store."""
    found: list[Booking] = []
    for store_id in store_ids:
        found += _pages(naver, store_id, CONFIRMED, None, pause)
    return found


def _pages(
    naver: Naver,
    store_id: str,
    status: str,
    window: tuple[str, str] | None,
    pause: Callable[[], None],
) -> list[Booking]:
    """Read all pages, with a pause after each (L9); raises Ended."""
    with ending("L9", store_id):  # a count that is no whole number fails as well (L5)
        count = naver.count(store_id, status, window)
        pages = range((count + SIZE - 1) // SIZE)
    found: list[Booking] = []
    for page in pages:
        with ending("L28", store_id):
            rows = naver.page(store_id, status, page=page, window=window)
        found += read_all(rows, store_id)
        pause()
    return found
