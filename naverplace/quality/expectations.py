"""The expectations that every row meets before a message may be sent for it.

An expectation that ignores missing values stands beside one that refuses them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.settings.sections import QualitySettings

STATUSES = ("RC03", "RC08")  # the two lists that are read (L6)
TWICE = "booking id: stands twice in the list"


def expectations(
    gx: Any, known_stores: Collection[str], *, now: datetime, settings: QualitySettings
) -> list[Any]:
    """List them; the `reason` of each is what a person reads about a row that fails it."""
    e = gx.expectations
    earliest = now - timedelta(days=settings.past_days)
    latest = now + timedelta(days=settings.future_days)

    def because(reason: str) -> dict[str, Any]:
        return {"meta": {"reason": reason}}

    phone = "phone: not a number that a text message can reach"
    return [
        e.ExpectColumnValuesToNotBeNull(column="booking_id", **because("booking id: missing")),
        e.ExpectCompoundColumnsToBeUnique(
            column_list=["asked_store", "booking_id", "status"],
            ignore_row_if="any_value_is_missing",
            **because(TWICE),
        ),
        e.ExpectColumnValuesToNotBeNull(column="phone_shape", **because("phone: missing")),
        e.ExpectColumnValuesToMatchRegex(
            column="phone_shape", regex=r"^(?:01[016789]|050[2-8])-\*{4}-\d{4}$", **because(phone)
        ),
        e.ExpectColumnValuesToNotBeNull(
            column="start", **because("start: missing, or not UTC like 2025-10-21T09:00:00Z")
        ),
        e.ExpectColumnValuesToBeInSet(
            column="start_zone", value_set=[SEOUL.key], **because("start: not on Asia/Seoul")
        ),
        e.ExpectColumnValuesToBeBetween(
            column="start",
            min_value=earliest,
            max_value=latest,
            **because(f"start: not between {earliest:%Y-%m-%d} and {latest:%Y-%m-%d}"),
        ),
        e.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="end",
            column_B="start",
            ignore_row_if="either_value_is_missing",
            **because("end: not after the start"),
        ),
        e.ExpectColumnValuesToNotBeNull(column="status", **because("status: missing")),
        e.ExpectColumnValuesToBeInSet(
            column="status", value_set=list(STATUSES), **because("status: not one that was asked")
        ),
        e.ExpectColumnValuesToNotBeNull(column="store_id", **because("store: missing")),
        e.ExpectColumnValuesToBeInSet(
            column="store_id", value_set=sorted(known_stores), **because("store: unknown")
        ),
        e.ExpectColumnPairValuesToBeEqual(
            column_A="store_id",
            column_B="asked_store",
            ignore_row_if="either_value_is_missing",
            **because("store: not the one that was asked"),
        ),
    ]
