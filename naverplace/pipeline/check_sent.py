"""Looks up in the table and in SENS's log what a run has just sent: one question each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from naverplace.base.errors import NaverPlaceError
from naverplace.delivery.in_doubt import SIGNATURE_LIFE
from naverplace.domain.effects import RecordKey, SendSms
from naverplace.domain.results import ActionResult, Decisions, Outcome
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.messaging.sens import SensClient, read_log, read_requests
from naverplace.pipeline.context import RunContext
from naverplace.redaction.redactor import REDACTOR
from naverplace.reporting.sent_crosscheck import AcceptedMessage, CrossCheck, crosscheck_sent

log = logging.getLogger(__name__)
SINGLE = 20  # messages that the window does not show are asked for one by one, but not more
T = TypeVar("T")


def check_sent(
    run: RunContext, decisions: Decisions, results: Sequence[ActionResult]
) -> CrossCheck | None:
    """Compare what the run has sent with the table and SENS's log; None when nothing was sent.

    Raises nothing: what could not be read is said in the result. Asks once, without patience, for
    the messages are out and the owner waits for the summary.
    """
    sent = _sent(decisions, results)
    if run.dry_run or not sent or not run.settings.document.check_log:
        return None
    why_not: list[str] = []
    with run.watch.phase("cross-check"):
        keys = {one.key for one in sent}
        records = _try(lambda: list(run.table.records.read(keys).values()), "the table", why_not)
        messages = _try(lambda: _read_log(run, sent), "SENS's log", why_not)
    return crosscheck_sent(
        sent,
        records=records,
        log=messages,
        run_id=run.run_id,
        begun=run.now,
        now=run.clock.now(),
        settle_seconds=run.settings.ledger.settle_seconds,
        why_not=why_not,
    )


def _sent(decisions: Decisions, results: Sequence[ActionResult]) -> list[AcceptedMessage]:
    owed = {(e.key.booking_num, e.kind): e for e in decisions.effects if isinstance(e, SendSms)}
    sent = []
    for result in results:
        if result.outcome not in (Outcome.ACCEPTED, Outcome.ADOPTED) or not result.request_id:
            continue
        effect = owed.get((result.booking_num, result.kind))
        key = effect.key if effect else RecordKey(result.booking_num, "")
        to = effect.to if effect else ""
        sent.append(AcceptedMessage(key, result.kind, result.store_id, result.request_id, to))
    return sent


def _read_log(run: RunContext, sent: Sequence[AcceptedMessage]) -> list[SmsLogEntry]:
    patient = run.settings.sens
    sens = SensClient(patient.model_copy(update={"attempts": 1}), run.clock)
    # SENS's clock may be as far from ours as a signature lives.
    start, end = run.now - SIGNATURE_LIFE, run.clock.now() + SIGNATURE_LIFE
    found = read_log(sens, start=start - timedelta(seconds=1), end=end)
    shown = {message.request_id for message in found}
    missing = [one.request_id for one in sent if one.request_id not in shown]
    return found + read_requests(sens, missing[:SINGLE])


def _try(read: Callable[[], T], what: str, why_not: list[str]) -> T | None:
    try:
        return read()
    except NaverPlaceError as error:
        log.warning("%s could not be read for the cross-check: %s", what, error)
        why_not.append(REDACTOR.scrub(f"{what} could not be read: {error}"))
        return None
