"""Both sides of a comparison, the new one by the code that runs in production, up to the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from naverplace.domain.booking import Booking
from naverplace.domain.notification_routing import When
from naverplace.domain.records import read_record
from naverplace.domain.results import Decisions
from naverplace.domain.stores import Store
from naverplace.migration.legacy_rows import fatal_reason, fatal_rows
from naverplace.migration.parity.accepted_differences import Accepted, load_accepted
from naverplace.migration.parity.comparator import Comparator
from naverplace.migration.parity.legacy_texts import LegacyTexts, load_legacy_texts
from naverplace.migration.parity.report import write_parity_report
from naverplace.migration.parity.sides import (
    LegacyOutcome,
    count_self_differences,
    output_of_legacy,
    output_of_new,
    without_stores,
)
from naverplace.migration.parity.values import (
    ComparedRun,
    LegacyDeath,
    Parity,
    SystemOutput,
    VerdictTerms,
)
from naverplace.migration.parity.verdict import ParityTotals, make_verdict
from naverplace.pipeline.capture.inputs import Inputs
from naverplace.quality import frames
from naverplace.quality import validation as quality
from naverplace.rules import engine, expiry
from naverplace.rules.rulebook import Rulebook, load_rulebook
from naverplace.rules.rulebook_version import rules_version
from naverplace.settings.schema import Settings
from naverplace.settings.sections import QualitySettings

Legacy = Callable[[Inputs], LegacyOutcome]
Maker = Callable[[LegacyTexts, str, dict[str, Store]], Legacy]
TELEGRAM = "telegram"


@dataclass(frozen=True)
class Prepared:
    """A run's bookings after the quality gates, and the stores that these stopped."""

    inputs: Inputs  # without the stores that are stopped
    bookings: tuple[Booking, ...] = field(repr=False)
    stopped: Mapping[str, str]  # by store, why


@dataclass(frozen=True)
class NewSystem:
    """The new flow without any hand: reading, gates and rules, nothing that sends or writes."""

    rulebook: Rulebook
    quality: QualitySettings
    back: timedelta = expiry.BACK

    def prepare(self, inputs: Inputs) -> Prepared:
        """Read a run's raw bookings as the flow does: frames, gates, bookings."""
        framed = {
            store_id: frames.to_frame(
                [*_of(inputs.confirmed, store_id), *_of(inputs.completed, store_id)],
                store_id=store_id,
                fields=tuple(self.rulebook.fields.values()),
                read_at=inputs.now,
            )
            for store_id in inputs.store_ids
        }
        validated = quality.validate(
            framed, known_stores=set(self.rulebook.stores), now=inputs.now, settings=self.quality
        )
        stopped = {c.store_id: c.reason for c in validated.stores if c.stopped}
        bookings = [
            b for c in validated.stores if not c.stopped for b in frames.to_bookings(c.good)
        ]
        return Prepared(without(inputs, stopped), tuple(bookings), stopped)

    def decide(self, prepared: Prepared) -> Decisions:
        """Decide as the flow does, from the items as they were."""
        return engine.match_and_decide(
            prepared.bookings,
            {key: read_record(item) for key, item in prepared.inputs.items.items()},
            self.rulebook,
            now=prepared.inputs.now,
            back=self.back,
        )

    def output(self, prepared: Prepared) -> SystemOutput:
        """Put what it decides, and how long that takes, in the form that is compared."""
        routing = self.rulebook.routing
        told = TELEGRAM in routing.channels_for(alert=False)
        always = routing.summary.when is When.ALWAYS
        began = time.monotonic()
        decisions = self.decide(prepared)
        seconds = time.monotonic() - began
        return output_of_new(
            decisions,
            prepared.inputs,
            owner_texts=int(told and always),
            collects=told and not always,
            seconds=seconds,
        )


def new_system(settings: Settings) -> NewSystem:
    """Read rules and stores and make the new side of them. Raises RulesError."""
    book = load_rulebook(
        settings.rules_dir,
        settings.stores_file,
        default_sender=settings.sens.default_sender,
        access=settings.access,
    )
    return NewSystem(book, settings.quality, timedelta(days=settings.ledger.expired_days))


@dataclass(frozen=True)
class Replayed:
    """One run that went through both sides."""

    inputs: Inputs  # whole
    prepared: Prepared
    legacy: SystemOutput  # of a dead run: without the rows that ended it
    compared: ComparedRun
    aa_differences: int  # of the legacy and itself


def replay(
    inputs: Iterable[Inputs], *, new: NewSystem, legacy: Legacy, comparator: Comparator
) -> Iterator[Replayed]:
    """Replay run after run; a store that the gates stop is compared by nobody, and is named."""
    for run in inputs:
        prepared, rows = new.prepare(run), fatal_words(run)
        decided = without_fatal_rows(prepared.inputs)
        old, again = (run_legacy(legacy, decided) for _ in range(2))
        death = LegacyDeath(rows, run_legacy(legacy, run) if rows else old)
        side = new.output(prepared)
        compared = comparator.compare(
            prepared.inputs, old, side, death=death if rows or old.died else None
        )
        yield Replayed(run, prepared, old, compared, count_self_differences(old, again))


def fatal_words(inputs: Inputs) -> tuple[str, ...]:
    """Name the listed rows of every store that end the legacy's run (L27), in words."""
    lists = (("RC08", inputs.completed), ("RC03", inputs.confirmed))
    return tuple(row for status, raws in lists for row in fatal_rows(raws, status))


def without_fatal_rows(inputs: Inputs) -> Inputs:
    """Leave out the rows that end the legacy's run, to see what it would decide about the rest."""
    lists = inputs.confirmed, inputs.completed
    confirmed, completed = ([row for row in rows if not fatal_reason(row)] for rows in lists)
    return replace(inputs, confirmed=confirmed, completed=completed)


def run_legacy(legacy: Legacy, inputs: Inputs) -> SystemOutput:
    """Let the legacy decide, and measure how long it takes."""
    began = time.monotonic()
    outcome = legacy(inputs)
    return output_of_legacy(outcome, inputs, seconds=time.monotonic() - began)


def without(inputs: Inputs, stores: Iterable[str]) -> Inputs:
    """Leave stores out of a run's inputs."""
    gone = set(stores)
    if not gone:
        return inputs
    return replace(
        inputs,
        store_ids=tuple(s for s in inputs.store_ids if s not in gone),
        confirmed=[r for r in inputs.confirmed if str(r.get("businessId")) not in gone],
        completed=[r for r in inputs.completed if str(r.get("businessId")) not in gone],
        items={k: i for k, i in inputs.items.items() if k.store_id not in gone},
    )


def _of(raws: Iterable[Mapping[str, Any]], store_id: str) -> list[Mapping[str, Any]]:
    return [raw for raw in raws if str(raw.get("businessId")) == store_id]


@dataclass
class Comparison:
    """Both sides, what is gathered of them, and what is remarked on the way."""

    settings: Settings
    new: NewSystem
    legacy: Legacy
    comparator: Comparator
    accepted: dict[str, Accepted]
    stores: dict[str, Store]
    totals: ParityTotals = field(default_factory=ParityTotals)
    aa_differences: int | None = None
    notes: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def replay(self, runs: Iterable[Inputs], note: Callable[[str], None]) -> None:
        """Let both sides decide run after run; A/A is measured on each."""
        for run in replay(runs, new=self.new, legacy=self.legacy, comparator=self.comparator):
            self._note_stopped(run.prepared)
            self.aa_differences = (self.aa_differences or 0) + run.aa_differences
            self.totals.add(run.compared)
            note(f"{run.inputs.run_id}: {self.totals.decisions} decisions so far")

    def observed(self, inputs: Inputs, seen: SystemOutput, *, noise: frozenset[str]) -> None:
        """Compare what the legacy was seen to do; the model is compared with itself beside it."""
        whole = without_fatal_rows(inputs)
        self.aa_differences = count_self_differences(
            *(run_legacy(self.legacy, whole) for _ in range(2))
        )
        prepared = self.new.prepare(inputs)
        self._note_stopped(prepared)
        # A completed row may lie outside the range that the legacy reads (L8), a confirmed one not.
        certain = seen.died or any(map(fatal_reason, inputs.confirmed))
        death = LegacyDeath(fatal_words(inputs), seen) if certain else None
        side, seen = self.new.output(prepared), without_stores(seen, prepared.stopped)
        self.totals.add(
            self.comparator.compare(prepared.inputs, seen, side, noise=noise, death=death)
        )

    def _note_stopped(self, prepared: Prepared) -> None:
        for store_id, why in prepared.stopped.items():
            self.notes.append(f"{prepared.inputs.run_id}: store {store_id} not compared: {why}")

    def end(self, kind: str, *, now: datetime, folder: Path | None = None) -> Parity:
        """Judge, write the report's files, and return the result."""
        parity = make_verdict(
            self.totals,
            VerdictTerms(
                kind=kind,
                made_at=now,
                aa_differences=self.aa_differences,
                rules_version=rules_version(self.settings.rules_dir, self.settings.stores_file),
                seconds=round(time.monotonic() - self.began, 1),
                notes=tuple(self.notes),
            ),
            stores=self.stores,
            minimum=self.settings.parity,
            limits=self.settings.thresholds,
        )
        write_parity_report(parity, folder or self.settings.parity.report_dir, self.accepted)
        return parity


def open_comparison(settings: Settings, make_legacy: Maker) -> Comparison:
    """Read rules, stores, texts and accepted differences. Raises RulesError, Permanent."""
    new = new_system(settings)
    stores = dict(new.rulebook.stores)
    texts = load_legacy_texts(settings.parity.legacy_texts, settings.access, stores)
    accepted = load_accepted(settings.parity.accepted)
    legacy = make_legacy(texts, settings.sens.default_sender, stores)
    comparator = Comparator(accepted, texts, stores)
    return Comparison(settings, new, legacy, comparator, accepted, stores)
