"""The owner's booking API at partner.booking.naver.com: what to ask, and what an answer means.

Nobody documents it. The shapes are the legacy's (L5-L7) and what others have seen
(outside-services: Naver API endpoints, Naver API query, Naver API fields).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests

from naverplace.base.errors import BadResponse, ServiceUnavailable, SessionExpired
from naverplace.base.http import RetryPolicy
from naverplace.settings.schema import NaverSettings

SERVICE = "Naver's booking API"
MOST_ON_A_PAGE = 5000  # others ask for 1000 at once (outside-services: Naver API query)


class Window(NamedTuple):
    """A range of visit times, first and last millisecond included."""

    start: datetime
    end: datetime


def retry_policy_of(settings: NaverSettings) -> RetryPolicy:
    """Tell how long a question to Naver may take."""
    return RetryPolicy(
        settings.connect_timeout,
        settings.read_timeout,
        attempts=settings.attempts,
        wait=settings.retry_wait,
    )


def count_url(partner_url: str, store_id: str) -> str:
    """Name the address that counts a store's bookings (L5)."""
    return f"{partner_url.rstrip('/')}/v3.1/businesses/{store_id}/bookings/count"


def list_url(partner_url: str, store_id: str) -> str:
    """Name the address that lists a store's bookings (L6)."""
    return f"{partner_url.rstrip('/')}/api/businesses/{store_id}/bookings"


def page_url(partner_url: str, store_id: str) -> str:
    """Name the owner's page, which sets cookies (outside-services: Naver cookies)."""
    return f"{partner_url.rstrip('/')}/bizes/{store_id}/booking-list-view"


def count_headers(partner_url: str, store_id: str) -> dict[str, str]:
    """List what the legacy sends with a count (L5); with a list it sends none of it."""
    return {
        "authority": urlsplit(partner_url).netloc,
        "accept": "*/*",
        "accept-language": "en-US,en;q=0.9",
        "referer": page_url(partner_url, store_id),
        "sec-ch-ua": '"Not_A Brand";v="8", "Chromium";v="120", "Google Chrome";v="120"',
        "sec-ch-ua-mobile": "?0",
        "sec-ch-ua-platform": '"Windows"',
        "sec-fetch-dest": "empty",
        "sec-fetch-mode": "cors",
        "sec-fetch-site": "same-origin",
        "x-booking-naver-role": "OWNER",
    }


def parameters(
    status: str, *, page: int, size: int, no_cache: int, window: Window | None = None
) -> dict[str, str]:
    """List the parameters of a count and of a page (L7); `no_cache` is the time in epoch ms."""
    values = {
        "bizItemTypes": "STANDARD",
        "bookingStatusCodes": status,
        "dateDropdownType": "ENTIRE",
        "dateFilter": "USEDATE",
        "maxDays": "31",
        "nPayChargedStatusCodes": "",
        "orderBy": "",
        "orderByStartDate": "ASC",
        "paymentStatusCodes": "",
        "searchValue": "",
        "page": str(page),
        "size": str(size),
        "noCache": str(no_cache),
    }
    if window is not None:
        values["startDateTime"] = stamp(window.start)
        values["endDateTime"] = stamp(window.end)
    return values


def stamp(moment: datetime) -> str:
    """Write a moment in the only form that Naver takes (outside-services: Naver API times)."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone cannot be turned into UTC")
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03}Z"


def read_count(answer: requests.Response, store_id: str) -> int:
    """Read how many bookings there are. Raises SessionExpired, BadResponse, ServiceUnavailable."""
    read = _read(answer, store_id)
    count = read.get("count") if isinstance(read, dict) else None
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise BadResponse(f"{SERVICE}: store {store_id}: the count is no number")
    return count


def read_page(answer: requests.Response, store_id: str) -> list[dict[str, Any]]:
    """Read one page of raw bookings; what is none of them is one without an id, for quarantine.

    Raises SessionExpired, BadResponse, ServiceUnavailable.
    """
    read = _read(answer, store_id)
    if not isinstance(read, list):
        raise BadResponse(f"{SERVICE}: store {store_id}: the list is no array of bookings")
    if len(read) > MOST_ON_A_PAGE:
        raise BadResponse(
            f"{SERVICE}: store {store_id}: {len(read)} bookings on one page, "
            f"more than {MOST_ON_A_PAGE}: none is used"
        )
    return [raw if isinstance(raw, dict) else {} for raw in read]


def _read(answer: requests.Response, store_id: str) -> Any:
    status = answer.status_code
    where = f"{SERVICE}: store {store_id}"
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if status in (401, 403) or 300 <= status < 400:
        raise SessionExpired(f"{where}: not logged in, or not this store's owner ({status})")
    if status == 200 and (kind == "text/html" or answer.content.lstrip()[:1] == b"<"):
        raise SessionExpired(f"{where}: a page for people came in place of data")
    if status == 422:
        # Its words may name the customer whom they are about.
        raise BadResponse(f"{where}: refused the query (422): {_query(answer)}")
    if status != 200:
        raise BadResponse(f"{where}: answered {status}, which is not its interface")
    try:
        return answer.json()
    except ValueError as error:
        raise ServiceUnavailable(f"{where}: the answer is no whole JSON") from error
    except RecursionError:
        raise BadResponse(f"{where}: the answer is nested deeper than its interface is") from None


def _query(answer: requests.Response) -> str:
    """Quote the query that was refused; it holds statuses, dates and numbers, nothing private."""
    query = urlsplit(answer.request.url or "").query
    return ", ".join(part for part in query.split("&") if not part.endswith("="))
