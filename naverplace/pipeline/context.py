"""What every step of one run needs: settings, stores, rules and outside services."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

import psutil

from naverplace.aws.dynamodb import open_dynamodb, read_only, timed
from naverplace.aws.table import StateTable
from naverplace.base.clock import Clock
from naverplace.base.stopping import StopRequest
from naverplace.base.timing import PhaseTimer
from naverplace.delivery.deliver import InDoubtResolver
from naverplace.domain.stores import named_stores
from naverplace.ledger.message_ledger import MessageLedger
from naverplace.ledger.phone_counter import open_phone_counter
from naverplace.ledger.store_lock import StoreLocks, StoreStateTable
from naverplace.messaging.owner_channels import open_channels
from naverplace.messaging.sens import SensClient
from naverplace.naver.request_slots import RequestSlots
from naverplace.pipeline.capture.recorder import CapturedInputs
from naverplace.pipeline.rulebook_in_force import load_in_force
from naverplace.quality import validation
from naverplace.settings.schema import Settings

_opened = itertools.count()  # runs of this process


def _process_seconds() -> float:
    return max(time.time() - psutil.Process().create_time(), 0.0)


def new_execution_id(run_id: str) -> str:
    """Name this execution of a run: a retry bears the same run id, and may meet the first one."""
    return f"{run_id}/{uuid4().hex[:8]}"


class RunContext:
    """What every step of one run needs; opaque on purpose, so that nobody hashes or stores it."""

    # A shard is one of several runs at a time: who ordered it logs in, and tells the owner.
    shard = False

    def __init__(self, settings: Settings, *, run_id: str, door: str, dry_run: bool) -> None:
        self.settings = settings
        self.cold_start = next(_opened) == 0
        # Until here the process was imported and configured; a warm one was so before.
        self.init_seconds = _process_seconds() if self.cold_start else 0.0
        self.run_id = run_id
        self.execution_id = new_execution_id(run_id)
        self.door = door
        self.dry_run = dry_run
        self.watch = PhaseTimer()
        self.clock: Clock = settings.make_clock()
        self.now: datetime = self.clock.now()  # the one moment that this run decides by
        dynamodb = timed(open_dynamodb(settings.aws), self.watch)
        if dry_run:
            dynamodb = read_only(dynamodb)
        self.session_table = StateTable(dynamodb, settings.aws.session_table)
        self.rulebook, self.rulebook_version = load_in_force(
            settings, self.session_table, keep_at=None if dry_run else self.now
        )
        self.all_stores = dict(self.rulebook.stores)
        self.stores = dict(self.all_stores)
        self.fields = tuple(self.rulebook.fields.values())
        self.naver_slots = RequestSlots(settings.naver.parallel, settings.naver.pause_seconds)
        self.sens_slots = threading.BoundedSemaphore(settings.sens.parallel)
        self.table = MessageLedger(dynamodb, settings.aws.sms_table)
        self.store_locks = StoreLocks(
            StoreStateTable(self.session_table),
            run_id=run_id,
            clock=self.clock,
            settings=settings.ledger,
            default_owner=settings.cutover.default_owner,
            caps=settings.caps,
        )
        self.sens = SensClient(settings.sens, self.clock)
        self.phones = open_phone_counter(settings, self.session_table, self.clock, self.sens.find)
        self.resolver = InDoubtResolver(self.table, self.sens, self.clock, settings.ledger)
        self.channels = open_channels(settings)
        self.captured = CapturedInputs() if settings.capture.enabled else None

    @property
    def stop(self) -> StopRequest:
        """Give what asks this run to end: nothing new is begun then."""
        return self.store_locks.stop


def open_run(
    settings: Settings, *, run_id: str, door: str, dry_run: bool = False, only: Sequence[str] = ()
) -> RunContext:
    """Read stores, rules and templates, before anything is asked of Naver.

    Raises RulesError with every place that is wrong, unless an earlier version was good;
    SettingsError for an unknown store in `only`, which names stores by id or alias.
    """
    validation.start_checkpoint()  # it imports for seconds: meanwhile we talk to Naver
    run = RunContext(settings, run_id=run_id, door=door, dry_run=dry_run)
    if only:
        run.stores = {store.id: store for store in named_stores(only, run.all_stores)}
    return run
