"""Handing stores over, from the legacy to us and back; begun again it goes on where it broke off.

Every step looks at what is there before it changes anything, and is safe to do twice. The order of
the steps, and why nothing is lost or doubled between any two of them: docs/switch.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any
from uuid import uuid4

from naverplace.aws.table import StateTable
from naverplace.base.clock import SEOUL
from naverplace.base.errors import Permanent
from naverplace.domain.booking import TIME_FORMAT
from naverplace.domain.records import Record
from naverplace.jobs.drain import DrainResult, drain_stores
from naverplace.ledger.records_table import marker_item, marker_key
from naverplace.ledger.reservations import may_be_deleted
from naverplace.ledger.scan import LedgerScan
from naverplace.ledger.store_state import (
    LEGACY,
    NEW,
    OWNER,
    Ownership,
    PendingMessage,
    mark_coexisting,
    mark_sole_sender_from,
    transfer,
)
from naverplace.migration.cutover.legacy_schedule import LegacySchedule
from naverplace.pipeline.context import RunContext
from naverplace.settings.schema import Settings

Progress = Callable[[str], None]
CUTOVER, ROLLBACK = "cutover", "rollback"
LOG_ITEM = "naverplace-switch"  # of table `session`: all switches, only added to
ROUNDS = 5  # of looking for what is reserved or in doubt, while runs of ours still end
# Lambda starts a failed run twice more, after one minute and after two.
_STARTS, _BETWEEN_STARTS = 3, timedelta(minutes=4)


@dataclass(frozen=True)
class CutoverResult:
    """How far a switch came; run again, it goes on from there."""

    what: str
    stores: tuple[str, ...]
    done: bool
    steps: tuple[str, ...]  # what this very call has changed or found
    left: tuple[str, ...] = ()  # what must be looked at before it can go on


class Cutover:
    """One switch of some stores; `by` and `why` stand in the audit trail."""

    def __init__(
        self,
        settings: Settings,
        *,
        what: str,
        by: str,
        why: str,
        digest: str = "",
        progress: Progress,
    ) -> None:
        self.run = RunContext(settings, run_id=f"{what}-{uuid4()}", door="cli", dry_run=False)
        self.settings, self.what, self.by, self.why, self.digest = settings, what, by, why, digest
        self.progress, self.steps = progress, list[str]()
        name = settings.cutover.legacy_rule
        self.rule = LegacySchedule(settings.aws, name) if name else None
        self.stores: tuple[str, ...] = ()

    def cut_over(
        self, store_ids: Sequence[str], *, legacy_off: bool = False, wait_seconds: float = 900.0
    ) -> CutoverResult:
        """Take stores over from the legacy; with the last one, switch the legacy off.

        `legacy_off` says that somebody has switched it off by hand. Raises LockedByOther when a
        store is never released, Transient, Permanent.
        """
        self.stores = tuple(store_ids)
        self._refuse_a_default_that_sends(self._owners())
        self._note("begun")
        drained = self._drain(self.stores, wait_seconds=wait_seconds)
        if not drained.clean:
            return self._ended(left=_words(drained))
        for store_id in self.stores:
            self._keep_legacy_reading(store_id)
            if not self._give(store_id, NEW):
                return self._ended(left=[f"store {store_id}: messages of it are still open"])
        if all(owned.ours for owned in self._owners().values()):
            self._end_legacy(legacy_off)
        else:
            self._step("the legacy goes on for the other stores; ours reserve beside it")
        return self._ended(done=True)

    def roll_back(self, store_ids: Sequence[str], *, wait_seconds: float = 900.0) -> CutoverResult:
        """Hand stores back to the legacy, and switch it on. Raises as `cut_over` does."""
        self.stores = tuple(store_ids)
        self._note("begun")
        for store_id, owned in self._owners().items():
            if owned.ours and owned.alone_from is not None:
                self._reserve_from_now_on(store_id)
        for _ in range(ROUNDS):
            drained = self._drain(self.run.all_stores, wait_seconds=wait_seconds)
            if left := self._blocking(drained):
                return self._ended(left=left)
            again = [s for s in self.stores if not self._give(s, LEGACY)]
            again += [s for s in self.stores if s not in again and not self._take_back(s)]
            if not again:
                break
        else:
            return self._ended(left=[f"store {s}: messages of it are still open" for s in again])
        self._begin_legacy()
        return self._ended(done=True)

    def _owners(self) -> Mapping[str, Ownership]:
        return self.run.store_locks.owners(self.run.all_stores)

    def _refuse_a_default_that_sends(self, owners: Mapping[str, Ownership]) -> None:
        """Stop when stores that nobody has switched count as ours while a legacy runs."""
        items = self.run.store_locks.table.read(owners)
        unknown = [s for s, item in items.items() if OWNER not in item.extra]
        if self.rule and unknown and self.run.store_locks.default_owner == NEW:
            raise Permanent(
                f"stores {', '.join(unknown)} count as ours already: set "
                "NAVERPLACE_CUTOVER__DEFAULT_OWNER=legacy first, wherever runs of ours are started"
            )

    def _drain(self, store_ids: Collection[str], *, wait_seconds: float) -> DrainResult:
        self.run.stores = {s: self.run.all_stores[s] for s in store_ids}
        return drain_stores(
            self.run, wait_seconds=wait_seconds, progress=self.progress, known_only=True
        )

    def _blocking(self, drained: DrainResult) -> tuple[str, ...]:
        """Word the doubts that forbid a hand-back: another store's is safe while it is reserved."""
        if drained.clean or self.rule is None or not self.rule.enabled():
            return _words(drained)
        mine = [d for d in drained.left if d.claim.key.store_id in self.stores]
        named = [f for f in drained.failures if any(f"store {s}:" in f for s in self.stores)]
        return _words(DrainResult(tuple(mine), tuple(named)))

    def _give(self, store_id: str, owner: str) -> bool:
        """Give the store to its new owner while nobody sends; False when something is in doubt."""
        stores = self.run.store_locks
        if (owned := stores.owners([store_id])[store_id]).owner == owner and owned.since:
            return True
        holding = stores.acquire(store_id, wait=True, sending=False)
        settled: tuple[PendingMessage, ...] = ()
        try:
            if self.run.resolver.read(holding.opened):
                return False
            settled = holding.opened
            now = self.run.clock.now()
            holding.change(
                lambda item: transfer(
                    item, owner, default=stores.default_owner, by=self.by, why=self.why, now=now
                )
            )
        finally:
            holding.release(settled)
        self._step(f"store {store_id} is owned by {owner}")
        return True

    def _keep_legacy_reading(self, store_id: str) -> None:
        now = self.run.clock.now().astimezone(SEOUL)
        self.run.table.records.create(
            marker_item(store_id, now.strftime(TIME_FORMAT)), execution_id=self.run.execution_id
        )

    def _reserve_from_now_on(self, store_id: str) -> None:
        """Make sure that no run sends without reservations, before the legacy may start."""
        stores = self.run.store_locks
        holding = stores.acquire(store_id, wait=True, sending=False)
        try:
            holding.change(lambda item: mark_coexisting(item, default=stores.default_owner))
        finally:
            holding.release(())
        self._step(f"store {store_id} reserves from now on")

    def _take_back(self, store_id: str) -> bool:
        """Give the legacy what we reserved and never sent.

        False when some of it is left: in doubt, or changed meanwhile. Nobody of ours may send for
        the store any more.
        """
        table = self.run.table.records.table
        records = LedgerScan(table.client, table.name).scan()
        reserved = [r for r in records if r.reserved and r.key.store_id == store_id]
        done = sum(map(self._unreserve, reserved))
        self.run.table.records.table.delete(marker_key(store_id)._asdict())
        if done:
            self._step(f"store {store_id}: {done} bookings are the legacy's again")
        return done == len(reserved)

    def _unreserve(self, record: Record) -> bool:
        records = self.run.table.records
        if any(entry.is_in_doubt for entry in record.messages.values()):
            return False
        if may_be_deleted(record, now=self.run.clock.now()) and records.delete_unsent(record):
            return True
        return records.cancel_reservations(record, record.reserved)

    def _end_legacy(self, legacy_off: bool) -> None:
        if self.rule is None and not legacy_off:
            self._step(
                "no rule is set (NAVERPLACE_CUTOVER__LEGACY_RULE): switch the legacy off by hand, "
                "then say so with --legacy-off; until then our runs reserve beside it"
            )
            return
        if self.rule and self.rule.enabled():
            self.rule.disable()
            self._step(f"the legacy's rule {self.rule.name} is disabled")
        longest = timedelta(seconds=self.settings.cutover.legacy_run_seconds)
        moment = self.run.clock.now() + longest * _STARTS + _BETWEEN_STARTS
        stores = self.run.store_locks
        for store_id, owned in self._owners().items():
            if owned.alone_from is None:
                stores.table.change(
                    store_id,
                    lambda item: mark_sole_sender_from(item, moment, default=stores.default_owner),
                )
        since = max((o.alone_from for o in self._owners().values() if o.alone_from), default=moment)
        self._step(f"no run of the legacy is alive from {since.astimezone(SEOUL):%m/%d %H:%M} on")

    def _begin_legacy(self) -> None:
        if self.rule is None:
            self._step(
                "no rule is set (NAVERPLACE_CUTOVER__LEGACY_RULE): switch the legacy on by hand now"
            )
        elif not self.rule.enabled():
            self.rule.enable()
            self._step(f"the legacy's rule {self.rule.name} is enabled")

    def _step(self, words: str) -> None:
        self.steps.append(words)
        self.progress(words)
        self._note(words)

    def _note(self, step: str) -> None:
        entry = {
            "id": uuid4().hex,
            "at": self.run.clock.now().astimezone(UTC).isoformat(timespec="seconds"),
            "by": self.by,
            "what": self.what,
            "why": self.why,
            "verdict": self.digest,
            "stores": list(self.stores),
            "step": step,
        }
        self.run.session_table.table.append({"id": LOG_ITEM}, "entries", entry)

    def _ended(self, *, done: bool = False, left: Sequence[str] = ()) -> CutoverResult:
        self._note("done" if done else f"stopped: {len(left)} left")
        return CutoverResult(self.what, self.stores, done, tuple(self.steps), tuple(left))


def read_log(session: StateTable) -> list[dict[str, Any]]:
    """List what was switched, when, by whom and why. Raises Transient, Permanent."""
    entries = (session.get(LOG_ITEM) or {}).get("entries", [])
    return list({str(e.get("id")): dict(e) for e in entries}.values())  # a retry writes one twice


def _words(drained: DrainResult) -> tuple[str, ...]:
    rows = [d.row() for d in drained.left]
    doubts = [f"{r['kind']} of booking {r['booking']} is in doubt: {r['why']}" for r in rows]
    return (*doubts, *drained.failures)
