"""What a run that is captured notes on its way, in memory only: raw bookings, and their items.

With them go short hashes of the rulebook and of the settings, alike for alike ones.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.base.phone import legacy_sort_key_phone
from naverplace.domain.effects import RecordKey
from naverplace.domain.records import Record
from naverplace.pipeline.capture.inputs import Inputs
from naverplace.redaction.redactor import describe
from naverplace.settings.env_names import fields, is_secret, section_of
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)
Raws = Sequence[Mapping[str, Any]]


@dataclass
class CapturedInputs:
    """A run's inputs as it met them; each store's list is noted by one thread."""

    confirmed: dict[str, Raws] = field(default_factory=dict, repr=False)  # by store
    completed: dict[str, Raws] = field(default_factory=dict, repr=False)
    items: dict[RecordKey, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    problem: str = ""  # why the notes are not whole

    def note_store(self, store_id: str, confirmed: Raws, completed: Raws) -> None:
        """Note one store's lists."""
        self.confirmed[store_id], self.completed[store_id] = confirmed, completed

    def note_records(
        self,
        records: Mapping[RecordKey, Record],
        read: Callable[[Iterable[RecordKey]], Mapping[RecordKey, Record]],
    ) -> None:
        """Note the items that a run decides from, and those of bookings that it sorted out.

        The legacy knows no gates: it looks for an item of every booking. Never raises.
        """
        try:
            raws = chain(*self.confirmed.values(), *self.completed.values())
            keys = (key_of(raw) for raw in raws if isinstance(raw, Mapping))
            others = read(key for key in keys if key and key not in records)
        except Exception as error:  # noqa: BLE001 - what is only noted must not stop the run
            log.warning("this run will not be captured: %s", describe(error))
            self.problem = describe(error)
            return
        self.problem = ""
        self.items = {key: one.item for key, one in {**others, **records}.items()}

    def inputs(
        self,
        run_id: str,
        now: datetime,
        stores: Sequence[str],
        settings: Settings,
        rules_version: str,
    ) -> Inputs:
        """Put the notes on these stores together, real people still in them."""
        return Inputs(
            run_id=run_id,
            now=now.astimezone(SEOUL),
            store_ids=tuple(stores),
            confirmed=[raw for store_id in stores for raw in self.confirmed[store_id]],
            completed=[raw for store_id in stores for raw in self.completed[store_id]],
            items={key: item for key, item in self.items.items() if key.store_id in stores},
            rules_version=rules_version,
            settings_version=settings_version(settings),
        )


def key_of(raw: Mapping[str, Any]) -> RecordKey | None:
    """Give the key that the legacy asks for; None when the booking lacks a part of it (L10)."""
    phone, store_id, number = raw.get("phone"), raw.get("businessId"), raw.get("bookingId")
    if not isinstance(phone, str) or store_id is None or number is None:
        return None
    return RecordKey(f"{store_id}_{number}", legacy_sort_key_phone(phone))


def settings_version(settings: Settings) -> str:
    """Hash every setting that is no secret."""
    told = {
        name: attrgetter(name)(settings)
        for path, field in fields()
        if not (section_of(field) or is_secret(field)) and (name := ".".join(path))
    }
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()[:16]
