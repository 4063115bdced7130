"""A run's view of the simulated outside: the run itself, and how it reads Naver's bookings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import BoundedSemaphore
from typing import Any

from naverplace.aws.table import StateTable
from naverplace.base.errors import ServiceUnavailable
from naverplace.base.timing import PhaseTimer
from naverplace.delivery.deliver import InDoubtResolver
from naverplace.domain.booking import Booking
from naverplace.domain.effects import RecordKey
from naverplace.domain.extra_fields import Field
from naverplace.domain.records import Record
from naverplace.domain.stores import Store
from naverplace.ledger.message_ledger import MessageLedger
from naverplace.ledger.phone_counter import open_phone_counter
from naverplace.ledger.records_table import RecordsTable
from naverplace.ledger.store_lock import StoreLocks, StoreStateTable
from naverplace.messaging.owner_channels import open_channels
from naverplace.messaging.sens import SensClient
from naverplace.naver.request_slots import RequestSlots
from naverplace.pipeline.context import RunContext, new_execution_id
from naverplace.pipeline.steps import StoreBatch
from naverplace.quality import frames
from naverplace.rules.engine import RuleEngine
from naverplace.rules.rulebook import Rulebook
from naverplace.rules.rulebook_version import RulebookVersion
from naverplace.settings.schema import Settings
from sandbox.memory_dynamodb.tables import MemoryTables
from trials.year.fate import Fate
from trials.year.kernel import Kernel, SimulatedClock
from trials.year.lines import Line
from trials.year.reading import Reading
from trials.year.troubles import HOUR, Troubles
from trials.year.world import LISTED, Raw, Standing, World


@dataclass
class Outside:
    """The whole outside of one half of the world, and the library's own settings for it."""

    kernel: Kernel
    troubles: Troubles
    tables: MemoryTables
    world: World
    reading: Reading
    settings: Settings
    stores: dict[str, Store]
    fields: tuple[Field, ...]
    rulebook: Rulebook
    engine: RuleEngine
    faults: list[str] = field(default_factory=list)  # what the library should never do
    scored: Counter[str] = field(default_factory=Counter)  # of its forecasts, see forecast_score

    @cached_property
    def unchecked(self) -> Settings:
        """Give the settings without the cross-check of what was sent."""
        document = self.settings.document.model_copy(update={"check_log": False})
        return self.settings.model_copy(update={"document": document})


class RememberingRecords(RecordsTable):
    """The table, which keeps what was last read: two decisions on the same records compare."""

    last: Mapping[RecordKey, Record] = {}

    def read_bookings(self, keys: Iterable[RecordKey]) -> dict[RecordKey, Record]:
        """Read the records, and keep them."""
        found = super().read_bookings(keys)
        self.last = found
        return found


class YearRun(RunContext):
    """A run whose outside is simulated; what takes time to load is loaded once a year."""

    def __init__(self, outside: Outside, fate: Fate, *, run_id: str, door: str) -> None:
        self.run_id, self.door, self.dry_run = run_id, door, False
        self.execution_id = new_execution_id(run_id)
        # Checking what was sent asks SENS's log once more; a quarter of the runs is enough.
        checked = int(outside.kernel.now // 1200) % 4 == 0
        self.settings = outside.settings if checked else outside.unchecked
        self.watch = PhaseTimer()
        self.clock = SimulatedClock(kernel=outside.kernel)
        self.now = self.clock.now()
        self.all_stores, self.stores = outside.stores, dict(outside.stores)
        self.fields, self.rulebook = outside.fields, outside.rulebook
        self.rulebook_version = RulebookVersion()
        self.cold_start, self.init_seconds = False, 0.0
        self.naver_slots, self.captured = RequestSlots(1), None
        self.sens_slots = BoundedSemaphore(1)
        client: Any = Line(outside.tables, outside.troubles, fate)
        self.table = MessageLedger(client, self.settings.aws.sms_table)
        self.remembered = RememberingRecords(client, self.settings.aws.sms_table)
        self.table.records = self.remembered
        self.session_table = StateTable(client, self.settings.aws.session_table)
        ledger = self.settings.ledger
        self.store_locks = StoreLocks(
            StoreStateTable(self.session_table),
            run_id=run_id,
            clock=self.clock,
            settings=ledger,
            caps=self.settings.caps,
        )
        self.sens = SensClient(self.settings.sens, self.clock)
        self.phones = open_phone_counter(
            self.settings, self.session_table, self.clock, self.sens.find
        )
        self.resolver = InDoubtResolver(self.table, self.sens, self.clock, ledger)
        self.channels = open_channels(self.settings)


@dataclass
class Visit:
    """Stands for the owner's session: whoever has it can ask the simulated Naver."""

    outside: Outside
    fate: Fate
    browser_opened: bool = False


class SimulatedNaver:
    """Takes the place of `BookingClient` where a store is read again before a door is opened."""

    def __init__(self, session: Any, settings: object, clock: object, slots: object) -> None:
        self.visit: Visit = session

    def bookings(self, store_id: str, status: str, window: object = None) -> tuple[Raw, ...]:
        """List what starts soon: no guide is asked about for anything else."""
        outside, fate = self.visit.outside, self.visit.fate
        look(outside, fate, store_id)
        soon = outside.kernel.now + 3 * HOUR
        return tuple(
            standing.raw
            for standing in outside.world.standings(store_id)
            if standing.version.status == status and standing.version.start <= soon
        )


def look(outside: Outside, fate: Fate, store_id: str) -> None:
    """Let one reading of a store's list pass; raises ServiceUnavailable."""
    fate.boundary()
    outside.kernel.sleep(0.5 + 2.5 * fate.luck.random())
    if outside.troubles.at("naver", outside.kernel.now, store_id):
        outside.kernel.sleep(20.0)
        raise ServiceUnavailable("Naver's booking API: not reached")
    outside.world.advance(outside.kernel.now)


@dataclass
class Reader:
    """Reads every store for one run."""

    outside: Outside
    run: YearRun
    fate: Fate
    whole: bool  # everything, through the gates; else what could matter
    bookings: list[Booking] = field(default_factory=list)

    def read_store(self, store_id: str) -> StoreBatch:
        """Read the confirmed ones, then the completed ones: a booking may turn in between."""
        found: list[tuple[Standing, str]] = []
        everything: list[Raw] = []
        read_at = self.run.clock.now()
        for status in LISTED:
            look(self.outside, self.fate, store_id)
            now = self.outside.kernel.now
            narrow = self.outside.reading.narrow(store_id, now, hour=self.run.now.hour)
            found += [(s, status) for s in narrow if s.version.status == status]
            if self.whole:
                everything += [
                    standing.raw
                    for standing in self.outside.world.standings(store_id)
                    if standing.version.status == status
                ]
        self.bookings += [
            standing.booking.model_copy(update={"read_at": read_at})
            for standing, _ in found
            if standing.booking
        ]
        frame = None
        if self.whole:
            fields = self.outside.fields
            frame = frames.to_frame(everything, store_id=store_id, fields=fields, read_at=read_at)
        confirmed = sum(status == "RC03" for _, status in found)
        if self.whole:
            confirmed = sum(raw["bookingStatusCode"] == "RC03" for raw in everything)
        count = len(everything) if self.whole else len(found)
        return StoreBatch(store_id, confirmed, count - confirmed, frame)
