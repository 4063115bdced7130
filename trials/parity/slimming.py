"""Raw bookings without what nobody reads: in full shape 16,000 of them would be 90 MB."""

from __future__ import annotations

from typing import Any

# What the legacy (L10), frames.py and rules/fields.yaml read.
KEPT = (
    *("bookingId", "businessId", "bookingStatusCode", "name", "phone", "email", "userId"),
    *("totalPrice", "bizItemName", "areaName", "completedCount", "noShowCount"),
    *("regDateTime", "confirmedDateTime"),
)
SNAPSHOT = ("startDateTime", "endDateTime")
OPTION = ("name", "price", "bookingCount")


def slim(raw: dict[str, Any]) -> dict[str, Any]:
    """Keep what is read; the rest has the shape of one full booking of each list."""
    kept = {key: raw[key] for key in KEPT if key in raw}
    if "snapshotJson" not in raw:
        return kept
    snapshot = raw["snapshotJson"]
    short = {key: snapshot[key] for key in SNAPSHOT if key in snapshot}
    short["customFormInputJson"] = [
        {"title": form["title"], "value": form["value"]} for form in snapshot["customFormInputJson"]
    ]
    if "bookingOptionJson" in snapshot:
        options = snapshot["bookingOptionJson"]
        short["bookingOptionJson"] = options and [
            {key: option[key] for key in OPTION if key in option} for option in options
        ]
    return {**kept, "snapshotJson": short}
