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
    snapshot = raw["snapshotJson"]
    return {
        **{key: raw[key] for key in KEPT if key in raw},
        "snapshotJson": {
            **{key: snapshot[key] for key in SNAPSHOT if key in snapshot},
            "customFormInputJson": [
                {"title": form["title"], "value": form["value"]}
                for form in snapshot["customFormInputJson"]
            ],
            "bookingOptionJson": [
                {key: option[key] for key in OPTION} for option in snapshot["bookingOptionJson"]
            ],
        },
    }
