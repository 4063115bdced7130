"""The shadow: what the new flow would do, beside the live legacy, without a hand to do it.

Nothing here or below imports `naverplace.messaging.sens`, so no process that runs a shadow has a
sender; the tables come through a client without writes; the session is restored, never renewed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from naverplace.aws.dynamodb import open_dynamodb, read_only
from naverplace.aws.table import StateTable
from naverplace.base.clock import SEOUL
from naverplace.domain.effects import RecordKey
from naverplace.domain.extra_fields import load_fields
from naverplace.domain.stores import load_stores
from naverplace.ledger.records_table import RecordsTable
from naverplace.naver.booking_client import BookingClient, completed_window
from naverplace.naver.session import open_naver_session
from naverplace.pipeline.capture.bundle import Outputs
from naverplace.pipeline.capture.bundle_store import write_bundle
from naverplace.pipeline.capture.inputs import Inputs
from naverplace.pipeline.capture.recorder import key_of, settings_version
from naverplace.rules.rulebook_version import rules_version
from naverplace.settings.schema import Settings

CONFIRMED, COMPLETED = "RC03", "RC08"


class Shadow:
    """Reads what a run would read; one shadow serves one reading, or several in a row."""

    def __init__(self, settings: Settings, *, only: Sequence[str] = ()) -> None:
        self.settings, self.clock = settings, settings.make_clock()
        stores = load_stores(settings.stores_file)
        self.store_ids = tuple(only or stores)
        client = read_only(open_dynamodb(settings.aws))
        self.items = RecordsTable(client, settings.aws.sms_table)
        session = open_naver_session(
            settings,
            table=StateTable(client, settings.aws.session_table),
            clock=self.clock,
            probe_stores=self.store_ids,
            looks_only=True,
        )
        self.bookings = BookingClient(session, settings.naver, self.clock)

    def read(self, run_id: str) -> Inputs:
        """Read every store's bookings and their items. Raises SessionExpired, Transient, ..."""
        now = self.clock.now().astimezone(SEOUL)
        window = completed_window(now, self.settings.naver.completed_lookback_days)
        confirmed: list[Mapping[str, Any]] = []
        completed: list[Mapping[str, Any]] = []
        for store_id in self.store_ids:
            completed += self.bookings.bookings(store_id, COMPLETED, window)
            confirmed += self.bookings.bookings(store_id, CONFIRMED)
        return Inputs(
            run_id=run_id,
            now=now,
            store_ids=self.store_ids,
            confirmed=confirmed,
            completed=completed,
            items=self.read_items([*confirmed, *completed]),
            rules_version=rules_version(self.settings.rules_dir, self.settings.stores_file),
            settings_version=settings_version(self.settings),
        )

    def read_items(self, raws: Sequence[Mapping[str, Any]]) -> dict[RecordKey, Mapping[str, Any]]:
        """Read the items of bookings, under whatever spelling of the phone."""
        keys = {key for raw in raws if (key := key_of(raw))}
        return {key: record.item for key, record in self.items.read_bookings(keys).items()}


def keep_inputs(settings: Settings, inputs: Inputs) -> str:
    """Write a reading as a bundle under pseudonyms, and return its name; '' without a key.

    Replaying many of them is what a verdict is made from (docs/parity.md).
    """
    fields = load_fields(settings.rules_dir / "fields.yaml")
    return write_bundle(settings, inputs, Outputs(figures={"door": "shadow"}), fields)


def at_moment(inputs: Inputs, now: datetime) -> Inputs:
    """Let a reading be decided at another moment: the one at which the legacy ran."""
    return replace(inputs, now=now.astimezone(SEOUL))
