"""The step that follows what earlier runs have sent, and tells at once what did not arrive.

It comes first and asks neither Naver nor the rules, so it also works while nobody is logged in.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import partial

from naverplace.base.clock import SEOUL
from naverplace.base.errors import NaverPlaceError
from naverplace.delivery.follow import DeliveryFollower, FailedMessage, FollowedMessages
from naverplace.domain.message_kinds import kind_label
from naverplace.domain.troubles import Source, Trouble, TroubleKind
from naverplace.ledger.store_state import PendingMessage, StoreState, forget
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.notify_owner import tell
from naverplace.redaction.redactor import describe
from naverplace.reporting.owner_messages import Look

log = logging.getLogger(__name__)


def follow_messages(run: RunContext) -> FollowedMessages:
    """Follow what was accepted, and tell what failed; not in a dry run.

    Raises nothing: the run goes on, and the next one asks again.
    """
    if run.dry_run:
        return FollowedMessages()
    with run.watch.phase("settle"):
        try:
            states = run.store_locks.table.read(run.stores)
            followed = DeliveryFollower(run.table, run.sens, run.clock, run.run_id).follow(
                states.values()
            )
            run.resolver.recent = followed.log
            untold = [] if _tell(run, followed.failures) else followed.failures
            _forget(run, states, followed.over - {failed.pending for failed in untold})
        except NaverPlaceError as error:
            log.exception("deliveries are not followed in this run")
            return FollowedMessages(problem=f"deliveries were not followed: {describe(error)}")
    return followed


def failed_trouble(failed: FailedMessage, *, alias: str, now: datetime) -> Trouble:
    """Word one failed message for the owner: which, to whom, how much time is left, and why."""
    booking = failed.booking_num.partition("_")[2]
    return Trouble(
        TroubleKind.GUIDE_FAILED if failed.access else TroubleKind.MESSAGE_FAILED,
        f"{failed.booking_num} {failed.pending.kind} {failed.request_id}",
        f"{alias} 예약 {booking} {kind_label(failed.pending.kind)} {failed.phone}",
        f"{_time_left(failed.start, now)}: {failed.why}\n  naverplace contact {failed.booking_num}",
    )


def _time_left(start: datetime | None, now: datetime) -> str:
    if start is None:
        return "시작 시각 모름"
    minutes = int((start - now).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    length = f"{hours}시간 {rest}분" if hours else f"{rest}분"
    shown = f"{start.astimezone(SEOUL):%m/%d %H:%M} 시작"
    return f"{shown}까지 {length}" if minutes >= 0 else f"{shown}, {length} 지남"


def _tell(run: RunContext, failures: Sequence[FailedMessage]) -> bool:
    """Tell the owner what failed; False when no channel took it, so that the next run tells it."""
    if not failures:
        return True
    now = run.clock.now()
    troubles = [
        failed_trouble(failed, alias=run.stores[failed.pending.key.store_id].alias, now=now)
        for failed in sorted(failures, key=lambda failed: failed.start or now)
    ]
    return tell(run.settings, Look(Source.RUN, now, tuple(troubles)), run).reached


def _forget(
    run: RunContext, states: Mapping[str, StoreState], over: AbstractSet[PendingMessage]
) -> None:
    """Let the stores' items await these messages no longer: one write for each store."""
    for store_id, state in states.items():
        mine = over & state.awaiting.keys()
        if not mine:
            continue
        try:
            run.store_locks.table.change(store_id, partial(forget, messages=mine))
        except NaverPlaceError as error:  # the next run looks once more
            log.warning("store %s: what is delivered was not forgotten: %s", store_id, error)
