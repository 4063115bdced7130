"""What every step of one run needs: settings, stores, rules and outside services."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime

from naverplace.aws.dynamodb import open_dynamodb, timed
from naverplace.aws.table import StateTable
from naverplace.base.clock import Clock
from naverplace.base.errors import SettingsError
from naverplace.base.registry import suggest_nearest
from naverplace.base.timing import PhaseTimer
from naverplace.delivery.deliver import InDoubtResolver
from naverplace.ledger.message_ledger import MessageLedger
from naverplace.ledger.store_lock import StoreLocks, StoreStateTable
from naverplace.messaging.owner_channels import open_channels
from naverplace.messaging.sens import SensClient
from naverplace.pipeline.capture.recorder import CapturedInputs
from naverplace.quality import validation
from naverplace.rules.rulebook import Rulebook, load_rulebook
from naverplace.settings.schema import Settings


class RunContext:
    """What every step of one run needs; opaque on purpose, so that nobody hashes or stores it."""

    # A shard is one of several runs at a time: who ordered it logs in, and tells the owner.
    shard = False

    def __init__(self, settings: Settings, *, run_id: str, door: str, dry_run: bool) -> None:
        self.settings = settings
        self.run_id = run_id
        self.door = door
        self.dry_run = dry_run
        self.watch = PhaseTimer()
        self.clock: Clock = settings.make_clock()
        self.now: datetime = self.clock.now()  # the one moment that this run decides by
        self.rulebook: Rulebook = load_rulebook(
            settings.rules_dir,
            settings.stores_file,
            default_sender=settings.sens.default_sender,
            access=settings.access,
        )
        self.all_stores = dict(self.rulebook.stores)
        self.stores = dict(self.all_stores)
        self.fields = tuple(self.rulebook.fields.values())
        self.naver_slots = threading.BoundedSemaphore(settings.naver.parallel_stores)
        dynamodb = timed(open_dynamodb(settings.aws), self.watch)
        self.table = MessageLedger(dynamodb, settings.aws.sms_table)
        self.session_table = StateTable(dynamodb, settings.aws.session_table)
        self.store_locks = StoreLocks(
            StoreStateTable(self.session_table),
            run_id=run_id,
            clock=self.clock,
            settings=settings.ledger,
            default_owner=settings.cutover.default_owner,
        )
        self.sens = SensClient(settings.sens, self.clock)
        self.resolver = InDoubtResolver(self.table, self.sens, self.clock, settings.ledger)
        self.channels = open_channels(settings)
        self.captured = CapturedInputs() if settings.capture.enabled else None


def open_run(
    settings: Settings,
    *,
    run_id: str,
    door: str,
    dry_run: bool = False,
    only: Sequence[str] = (),
) -> RunContext:
    """Read stores, rules and templates, before any outside call.

    Raises RulesError with every place that is wrong, SettingsError for an unknown store in `only`.
    """
    validation.warm_up()  # importing Great Expectations takes seconds: meanwhile we talk to Naver
    run = RunContext(settings, run_id=run_id, door=door, dry_run=dry_run)
    unknown = [store_id for store_id in only if store_id not in run.stores]
    if unknown:
        raise SettingsError(
            [
                f"stores: unknown store {s!r}; {suggest_nearest(s, list(run.stores))}"
                for s in unknown
            ]
        )
    if only:
        run.stores = {store_id: run.stores[store_id] for store_id in only}
    return run
