"""How the legacy reads the booking lists (L5-L9, L22, L24, L25)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from legacy.ports import Item, Naver, Raw, Table, forgotten

SIZE = 50
CONFIRMED, COMPLETED = "RC03", "RC08"


def read_completed(
    naver: Naver,
    table: Table,
    store_ids: Sequence[str],
    *,
    pause: Callable[[], None],
    swallowed: Callable[[str, Exception], None] = forgotten,
) -> list[Raw]:
    """Read the completed bookings; a store without open items ends it for all after it (L8)."""
    found: list[Raw] = []
    items = table.open_items()
    for store_id in store_ids:
        try:
            window = range_of(items, store_id)
        except Exception as error:  # noqa: BLE001 - L8: around the loop, not around one store
            swallowed("L8", error)
            break
        found += _pages(naver, store_id, COMPLETED, window)
        pause()
    return found


def range_of(items: Sequence[Item], store_id: str) -> tuple[str, str]:
    """Give the earliest and latest booking_time of a store's open items, as Naver is told them.

    Local times are stamped Z without shifting, nine hours off (L8); ids that begin with this id
    count too (L24). Raises IndexError when the store has none.
    """
    times = sorted(
        item["booking_time"] for item in items if item["booking_num"].startswith(store_id)
    )
    return _stamp(times[0]), _stamp(times[-1])


def _stamp(local: str) -> str:
    return local.replace(" ", "T") + ".000Z"


def read_confirmed(
    naver: Naver, store_ids: Sequence[str], *, pause: Callable[[], None]
) -> list[Raw]:
    """Read the confirmed bookings of every store; a failed count ends the whole run (L9)."""
    found: list[Raw] = []
    for store_id in store_ids:
        found += _pages(naver, store_id, CONFIRMED, None)
        pause()
    return found


def _pages(naver: Naver, store_id: str, status: str, window: tuple[str, str] | None) -> list[Raw]:
    count = naver.count(store_id, status, window)
    if count is None:
        raise TypeError("'NoneType' object cannot be interpreted as an integer")  # L9
    found: list[Raw] = []
    for page in range(math.ceil(count / SIZE)):
        found += naver.page(store_id, status, page=page, window=window)
    return found
