"""What a run does for one store at a time, while it holds the store's lease."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta

from naverplace.base.errors import NaverPlaceError
from naverplace.base.stopping import Stopped
from naverplace.delivery.deliver import deliver
from naverplace.delivery.executor import EffectExecutor
from naverplace.delivery.in_doubt import InDoubtMessage, Resolution
from naverplace.delivery.outcomes import PATIENCE, Attempt, describe_error
from naverplace.delivery.send_caps import SendCaps
from naverplace.domain.effects import Effect, SendSms
from naverplace.domain.results import ActionResult, Outcome
from naverplace.ledger.scan import LedgerScan
from naverplace.ledger.store_lock import StoreLock
from naverplace.ledger.store_state import LockedByOther, NotOurs, PendingMessage
from naverplace.naver.booking_client import BookingClient
from naverplace.naver.session import NaverSession
from naverplace.pipeline.booking_recheck import BookingRechecker
from naverplace.pipeline.context import RunContext
from naverplace.redaction.redactor import REDACTOR

log = logging.getLogger(__name__)
_OVER = (Outcome.ACCEPTED, Outcome.ADOPTED, Outcome.SKIPPED, Outcome.CAPPED)


def resolve_in_doubt(run: RunContext) -> list[InDoubtMessage]:
    """Settle what earlier runs have left open, before anything is decided; not in a dry run.

    Reads one item a store; what can not be settled yet comes back as it is. A store that fails
    stays as it is: its claims refuse what may have been sent. Raises Transient or Permanent when
    the stores' items cannot be read, with nothing done.
    """
    if run.dry_run:
        return []
    with run.watch.phase("settle"):
        items = run.store_locks.table.read(run.stores)
        doubts: list[InDoubtMessage] = []
        for store_id, item in items.items():
            if item.open:
                doubts += _resolve_store(run, store_id)
        return doubts


def _resolve_store(run: RunContext, store_id: str) -> list[InDoubtMessage]:
    try:
        holding = run.store_locks.acquire(store_id, wait=False)
    except (LockedByOther, NotOurs) as error:  # it is sending what stands open: no doubt of ours
        log.info("store %s: %s", store_id, error)
        return []
    except Exception:
        log.exception("store %s: its doubts stay open", store_id)
        return []
    ended: list[InDoubtMessage] = []
    left: Collection[PendingMessage] = holding.opened
    try:
        ended = _resolve(run, run.resolver.read(holding.opened, holding.others_known))
        left = {doubt.pending_message for doubt in ended if not doubt.resolution.is_final}
    except Exception:
        log.exception("store %s: its doubts stay open", store_id)
    _release(holding, [message for message in holding.opened if message not in left])
    return ended


def _resolve(run: RunContext, doubts: Sequence[InDoubtMessage]) -> list[InDoubtMessage]:
    """Look doubts up; where a message to the same phone is strange, by all that the table knows.

    It may be another store's. The whole table is read for it, which is dear and rare.
    """
    ended = run.resolver.resolve(doubts)
    if not any(doubt.resolution is Resolution.UNCLEAR for doubt in ended):
        return ended
    records = run.table.records.table
    run.resolver.add_known_requests(LedgerScan(records.client, records.name).scan())
    unclear = [doubt for doubt in ended if doubt.resolution is Resolution.UNCLEAR]
    again = {doubt.pending_message: doubt for doubt in run.resolver.resolve(unclear)}
    return [again.get(doubt.pending_message, doubt) for doubt in ended]


def deliver_store(
    run: RunContext, session: NaverSession | None, store_id: str, effects: Sequence[Effect]
) -> list[ActionResult]:
    """Carry out one store's effects under its lease; a dry run carries out none.

    Raises nothing that concerns this store: that is in the results.
    """
    if run.dry_run or not effects:
        return []
    opening = [PendingMessage.of(e) for e in effects if isinstance(e, SendSms)]
    with run.watch.phase("delivery"):
        try:
            run.stop.check()
            run.store_locks.cap_all(run.stores)
            holding = run.store_locks.acquire(store_id, opening, wait=True)
        except (NotOurs, Stopped) as error:
            return _finish_all(effects, Outcome.SKIPPED, str(error))
        except LockedByOther as error:
            return _finish_all(effects, Outcome.SKIPPED, f"left to it: {error}")
        except NaverPlaceError as error:
            return _finish_all(effects, Outcome.FAILED, f"not tried: {describe_error(error)}")
        results: list[ActionResult] = []
        try:
            results = deliver(effects, _executor(run, session, holding), run.resolver)
            return results
        finally:
            _give_back(holding, effects, results)


def _executor(
    run: RunContext, session: NaverSession | None, holding: StoreLock | None
) -> EffectExecutor:
    executor = EffectExecutor(
        table=run.table,
        sens=run.sens,
        channels=run.channels,
        clock=run.clock,
        execution_id=run.execution_id,
        ledger=run.settings.ledger,
        switch=run.settings.cutover,
        lock=holding,
        caps=SendCaps(holding, run.phones) if holding else None,
        watch=run.watch,
        stop=run.stop,
        parallel=min(PATIENCE, run.settings.sens.parallel),
        slots=run.sens_slots,
    )
    if session is None:
        return executor
    rechecker = BookingRechecker(
        BookingClient(session, run.settings.naver, run.clock, run.naver_slots),
        run.clock,
        fields=run.fields,
        max_age=timedelta(seconds=run.settings.ledger.fresh_seconds),
    )
    return replace(executor, recheck=rechecker.recheck)


def _give_back(
    holding: StoreLock, effects: Sequence[Effect], results: Sequence[ActionResult]
) -> None:
    """Give the store back; whatever may be unsettled stays open, and the next run looks at it."""
    over = [
        PendingMessage.of(effect)
        for effect, result in zip(effects, results, strict=False)
        if isinstance(effect, SendSms) and result.outcome in _OVER
    ]
    _release(holding, over)


def _release(holding: StoreLock, over: Sequence[PendingMessage]) -> None:
    try:
        holding.release(over)
    except NaverPlaceError as error:
        # The lease runs out by itself, and what stays open is looked at once more.
        log.warning("store %s was not given back: %s", holding.store_id, error)


def undelivered(effects: Sequence[Effect], why: str) -> list[ActionResult]:
    """Report effects whose delivery broke off: any of them may have been carried out."""
    return _finish_all(effects, Outcome.IN_DOUBT, REDACTOR.scrub(why))


def _finish_all(effects: Sequence[Effect], outcome: Outcome, why: str) -> list[ActionResult]:
    return [Attempt(effect).finish(outcome, why) for effect in effects]


def deliver_notices(run: RunContext, effects: Sequence[Effect]) -> list[ActionResult]:
    """Tell the owner the lines that rules owe, for all stores together that are ours."""
    if run.dry_run or not effects:
        return []
    with run.watch.phase("delivery"):
        try:
            owners = run.store_locks.owners({effect.key.store_id for effect in effects})
        except NaverPlaceError as error:
            return _finish_all(effects, Outcome.FAILED, f"not tried: {describe_error(error)}")
        told = [effect for effect in effects if owners[effect.key.store_id].ours]
        beside = {s for s, owned in owners.items() if owned.reserves_at(run.clock.now())}
        executor = replace(_executor(run, None, None), beside=beside)
        results = iter(deliver(told, executor))
        return [
            # Telling makes a record, which nobody but the store's owner may.
            next(results)
            if (owned := owners[effect.key.store_id]).ours
            else Attempt(effect).finish(Outcome.SKIPPED, f"owned by {owned.owner}")
            for effect in effects
        ]
