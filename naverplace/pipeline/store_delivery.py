"""What a run does for one store at a time, while it holds the store's lease."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace

from naverplace.base.errors import NaverPlaceError
from naverplace.delivery.deliver import deliver
from naverplace.delivery.executor import Carrier
from naverplace.delivery.in_doubt import Doubt, doubts_of
from naverplace.delivery.outcomes import Step, words_of
from naverplace.domain.effects import Effect, SendSms
from naverplace.domain.results import ActionResult, Outcome
from naverplace.ledger.lease import Held, OpenMessage
from naverplace.ledger.ownership import NotOurs
from naverplace.ledger.store_lock import Holding
from naverplace.naver.session import NaverSession
from naverplace.pipeline.booking_recheck import Freshness
from naverplace.pipeline.step_results import store_of
from naverplace.pipeline.steps import Run
from naverplace.rules.actions import FLAG_OF

log = logging.getLogger(__name__)
_OVER = (Outcome.ACCEPTED, Outcome.ADOPTED, Outcome.SKIPPED)


def settle_open(run: Run) -> list[Doubt]:
    """Settle what earlier runs have left open, before anything is decided; not in a dry run.

    Reads one item a store; what can not be settled yet comes back as it is. Raises Transient or
    Permanent when the stores' items cannot be read.
    """
    if run.dry_run:
        return []
    with run.watch.phase("settle"):
        items = run.stores_held.table.read(run.stores)
        doubts: list[Doubt] = []
        for store_id, item in items.items():
            if item.open:
                doubts += _settle_store(run, store_id)
        return doubts


def _settle_store(run: Run, store_id: str) -> list[Doubt]:
    try:
        holding = run.stores_held.take(store_id, wait=False)
    except (Held, NotOurs) as error:  # it is sending what stands open: no doubt of ours
        log.info("store %s: %s", store_id, error)
        return []
    left: Collection[OpenMessage] = holding.opened
    try:
        found = unsettled(run, holding.opened)
        ended = run.settler.settle(found)
        left = {doubt.open_message for doubt in ended if not doubt.settled.over}
        return ended
    finally:
        holding.give_back([message for message in holding.opened if message not in left])


def unsettled(run: Run, messages: Collection[OpenMessage]) -> list[Doubt]:
    """Read those of these messages that are unsettled in the ledger."""
    records = run.table.read(message.key for message in messages)
    run.settler.learn(records.values())
    return [d for d in doubts_of(records.values(), FLAG_OF) if d.open_message in messages]


def deliver_store(
    run: Run, session: NaverSession | None, store_id: str, effects: Sequence[Effect]
) -> list[ActionResult]:
    """Carry out one store's effects under its lease; a dry run carries out none.

    Raises nothing that concerns this store: that is in the results.
    """
    if run.dry_run or not effects:
        return []
    opening = [OpenMessage(e.key, e.kind) for e in effects if isinstance(e, SendSms)]
    with run.watch.phase("delivery"):
        try:
            holding = run.stores_held.take(store_id, opening, wait=True)
        except NotOurs as error:
            return [Step(effect).end(Outcome.SKIPPED, str(error)) for effect in effects]
        except Held as held:
            return [Step(effect).end(Outcome.SKIPPED, f"left to it: {held}") for effect in effects]
        except NaverPlaceError as error:
            return [Step(e).end(Outcome.FAILED, f"not tried: {words_of(error)}") for e in effects]
        results: list[ActionResult] = []
        try:
            results = deliver(effects, _carrier(run, session, holding), run.settler)
            return results
        finally:
            _give_back(holding, effects, results)


def _carrier(run: Run, session: NaverSession | None, holding: Holding | None) -> Carrier:
    fresh = Freshness(run, session) if session else None
    carrier = Carrier(
        table=run.table,
        sens=run.sens,
        channels=run.channels,
        clock=run.clock,
        run_id=run.run_id,
        ledger=run.settings.ledger,
        switch=run.settings.switch,
        holding=holding,
        watch=run.watch,
    )
    return replace(carrier, still=fresh.still) if fresh else carrier


def _give_back(
    holding: Holding, effects: Sequence[Effect], results: Sequence[ActionResult]
) -> None:
    """Give the store back; whatever may be unsettled stays open, and the next run looks at it."""
    over = [
        OpenMessage(effect.key, effect.kind)
        for effect, result in zip(effects, results, strict=False)
        if isinstance(effect, SendSms) and result.outcome in _OVER
    ]
    try:
        holding.give_back(over)
    except NaverPlaceError as error:
        # The lease runs out by itself, and what stays open is looked at once more.
        log.warning("store %s was not given back: %s", holding.store_id, error)


def deliver_notices(run: Run, effects: Sequence[Effect]) -> list[ActionResult]:
    """Tell the owner the lines that rules owe, for all stores together that are ours."""
    if run.dry_run or not effects:
        return []
    with run.watch.phase("delivery"):
        try:
            owners = run.stores_held.owners({store_of(effect) for effect in effects})
        except NaverPlaceError as error:
            return [Step(e).end(Outcome.FAILED, f"not tried: {words_of(error)}") for e in effects]
        told = [effect for effect in effects if owners[store_of(effect)].ours]
        beside = {s for s, owned in owners.items() if owned.reserves_at(run.clock.now())}
        carrier = replace(_carrier(run, None, None), beside=beside)
        results = iter(deliver(told, carrier))
        return [
            # Telling makes a record, which nobody but the store's owner may.
            next(results)
            if (owned := owners[store_of(effect)]).ours
            else Step(effect).end(Outcome.SKIPPED, f"owned by {owned.owner}")
            for effect in effects
        ]
