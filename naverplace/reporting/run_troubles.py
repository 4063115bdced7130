"""What is wrong according to one run, as kinds of trouble, and what the run has looked at; pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from naverplace.delivery.in_doubt import Resolution
from naverplace.domain.message_kinds import kind_label
from naverplace.domain.results import HELD, ActionResult, Outcome
from naverplace.domain.troubles import Source, Trouble, TroubleKind
from naverplace.reporting.owner_messages import Look, Tally
from naverplace.reporting.report import cap_rows
from naverplace.reporting.run_facts import (
    IN_RUN,
    RunFacts,
    StoreFacts,
    expired_rows,
    in_doubt_rows,
    pause_rows,
    unfollowed,
)
from naverplace.reporting.summary import cap_words, quarantine_words
from naverplace.rules.expiry import NEVER_REACHED
from naverplace.rules.rulebook_version import RulebookVersion

_K = TroubleKind
_LOGIN = (_K.LOGIN_REFUSED, _K.LOGIN_PERSON, _K.LOGIN_BROKEN)
_BEFORE = (*_LOGIN, _K.CLOCK_WRONG, _K.SETTINGS_WRONG, _K.CONFIG_REFUSED)  # anything is read
_OF_STORES = (
    *(_K.STORE_BROKEN, _K.STORE_HALTED, _K.MESSAGE_REFUSED, _K.MESSAGE_IN_DOUBT),
    *(_K.RULE_UNDECIDED, _K.ACTION_FAILED, _K.CAP_REACHED),
)
_OURS = re.compile(r"SENS: refused with 40[134]")  # our keys or address, not one message
_BALANCE = re.compile(r"balance|quota|credit|limit|잔액|한도|크레딧", re.IGNORECASE)
_MASKED = re.compile(r"[\d*]+-\*{4}-\d{4}")
LONGEST = 160  # characters of a detail


def look_of(facts: RunFacts, failure_kind: TroubleKind, contradictions: Iterable[str]) -> Look:
    """Gather what a run has seen, for the one place that decides what is told."""
    troubles = {(t.kind, t.subject): t for t in _troubles(facts, failure_kind, contradictions)}
    looked = dict(_looked_at(facts, failure_kind))
    if not facts.failure:
        looked |= {_K.DYNAMODB_DOWN: None, _K.SUMS_WRONG: None}
    if not facts.followed.problem:
        looked[_K.DELIVERY_UNREAD] = None
    return Look(
        Source.RUN,
        facts.now,
        tuple(troubles.values()),
        looked,
        tally=tally_of(facts),
        pauses=tuple(
            f"{p['alias']}: 일시 정지 ({p['korean']})" for p in pause_rows(facts) if not p["over"]
        ),
    )


def _looked_at(
    facts: RunFacts, failure_kind: TroubleKind
) -> Iterator[tuple[TroubleKind, frozenset[str] | None]]:
    """List what a run has looked at: a store that was not read is as it was, for all we know."""
    yield _K.STORE_GONE, None
    if not facts.failure or facts.stores or failure_kind is _K.DYNAMODB_DOWN:
        yield from ((kind, None) for kind in _BEFORE)
    yield _K.STORE_UNREAD, frozenset(store.store_id for store in facts.stores)
    if facts.failure:
        return
    yield from ((kind, None) for kind in (_K.RUN_FAILED, _K.PAUSE_FORGOTTEN))
    read = frozenset(store.store_id for store in facts.stores if not store.error)
    yield from ((kind, read) for kind in _OF_STORES)
    if any(result.outcome is Outcome.ACCEPTED for result in facts.sends):
        yield from ((kind, None) for kind in (_K.SENS_DOWN, _K.SENS_REFUSES, _K.BALANCE_EMPTY))


def _troubles(
    facts: RunFacts, failure_kind: TroubleKind, contradictions: Iterable[str]
) -> Iterator[Trouble]:
    if facts.failure:
        yield Trouble(failure_kind, detail=_short(facts.failure))
    yield from _of_rulebook(facts.rulebook_version)
    aliases = {store.store_id: store.alias for store in facts.stores}
    for store in facts.stores:
        yield from _of_store(store)
        yield from _of_names(store)
    for row in expired_rows(facts):
        reason = "" if row["reason"] == NEVER_REACHED else f". {row['reason']}"
        detail = f"기한 {row['expires']}{reason}"
        yield _of_message(_K.MESSAGE_EXPIRED, row["booking"], row["kind"], aliases, detail)
    for row in in_doubt_rows(facts):
        if row["settled"] != IN_RUN:
            kind = _K.MESSAGE_IN_DOUBT
            yield _of_message(kind, row["booking"], row["kind"], aliases, row["why"])
    capped = Outcome.CAPPED
    failed = [r for r in facts.results if not r.success and r.outcome is not capped]
    yield from _of_results(failed, aliases)
    for row in cap_rows(facts):
        phone = _MASKED.search(row["why"])
        subject = f"{row['store_id']}_{row['scope']} {phone.group() if phone else ''}".rstrip()
        yield Trouble(_K.CAP_REACHED, subject, row["alias"], cap_words(row))
    for pause in pause_rows(facts):
        yield from _of_pause(pause, aliases)
    undecided = Counter((e.store_id, e.rule) for e in facts.decisions.errors)
    why = {(e.store_id, e.rule): e.message for e in facts.decisions.errors}
    for (store_id, rule), count in undecided.items():
        detail = _short(f"규칙 {rule}, 예약 {count}건: {why[store_id, rule]}")
        name = aliases.get(store_id, store_id)
        yield Trouble(_K.RULE_UNDECIDED, f"{store_id}_{rule}", name, detail)
    if unread := unfollowed(facts):
        yield Trouble(_K.DELIVERY_UNREAD, detail=_short(unread))
    if wrong := list(contradictions):
        yield Trouble(_K.SUMS_WRONG, detail=_short("; ".join(wrong)))


def _of_rulebook(version: RulebookVersion) -> Iterator[Trouble]:
    if version.refused:
        in_force = f"지금 쓰는 {version.korean()}"
        yield Trouble(_K.CONFIG_REFUSED, detail="\n- ".join((*version.mistakes, in_force)))
    for store_id, alias in version.gone.items():
        yield Trouble(_K.STORE_GONE, store_id, alias)


def _of_store(store: StoreFacts) -> Iterator[Trouble]:
    if store.error:
        yield Trouble(_K.STORE_UNREAD, store.store_id, store.alias, _short(store.error))
    elif store.told:
        yield Trouble(_K.STORE_HALTED, store.store_id, store.alias, store.told)
    elif store.stopped:
        detail = f"잘못된 예약 {len(store.quarantined)}건"
        yield Trouble(_K.STORE_BROKEN, store.store_id, store.alias, detail)
    for row in store.quarantined if not store.stopped else ():
        # The reasons are a part of the subject: it is told again when they change.
        subject = f"{store.store_id}_{row['booking_id']} {row['reasons']}"
        name = f"{store.alias} 예약 {row['booking_id']}"
        yield Trouble(_K.BAD_BOOKING, subject, name, f"{quarantine_words(row)} 이상")


def _of_names(store: StoreFacts) -> Iterator[Trouble]:
    for booking_id in store.odd_names if not store.stopped else ():
        subject, name = f"{store.store_id}_{booking_id} name", f"{store.alias} 예약 {booking_id}"
        yield Trouble(_K.ODD_NAME, subject, name)


def _of_pause(pause: Mapping[str, Any], aliases: Mapping[str, str]) -> Iterator[Trouble]:
    store_id, name = pause["store_id"], pause["alias"]
    if pause["over"]:
        yield Trouble(_K.PAUSE_OVER, f"{store_id} {pause['until']}", name)
    elif pause["days_forgotten"]:
        yield Trouble(_K.PAUSE_FORGOTTEN, store_id, name, pause["korean"])
    for door in pause["doors"]:
        detail = f"{door['expires']}에 시작합니다"
        yield _of_message(_K.GUIDE_PAUSED, door["booking"], "guide", aliases, detail)


def _of_results(results: Iterable[ActionResult], aliases: Mapping[str, str]) -> Iterator[Trouble]:
    """Name what an effect failed by: a service that fails is one trouble, whatever it is for."""
    services: Counter[TroubleKind] = Counter()
    why: dict[TroubleKind, str] = {}
    actions: dict[tuple[str, str], list[str]] = {}
    for result in results:
        kind = _kind_of_result(result)
        if kind in (_K.MESSAGE_IN_DOUBT, _K.MESSAGE_REFUSED):
            yield _of_message(kind, result.booking_num, result.kind, aliases, result.message)
        elif kind is _K.ACTION_FAILED:
            actions.setdefault((result.store_id, result.action), []).append(result.message)
        else:
            services[kind] += 1
            why[kind] = result.message
    for kind, count in services.items():
        yield Trouble(kind, detail=_short(f"{count}건: {why[kind]}"))
    for (store_id, action), messages in actions.items():
        detail = _short(f"{action} {len(messages)}건: {messages[-1]}")
        name = aliases.get(store_id, store_id)
        yield Trouble(_K.ACTION_FAILED, f"{store_id}_{action}", name, detail)


def _kind_of_result(result: ActionResult) -> TroubleKind:
    """Read from its words why an effect failed: the ledger keeps them of earlier tries, too."""
    said = result.message
    if result.action == "send_sms" and result.outcome is Outcome.IN_DOUBT:
        return _K.MESSAGE_IN_DOUBT
    if result.action == "send_sms" and result.outcome is Outcome.REFUSED:
        if _BALANCE.search(said):
            return _K.BALANCE_EMPTY
        return _K.SENS_REFUSES if _OURS.search(said) else _K.MESSAGE_REFUSED
    if "DynamoDB" in said:
        return _K.DYNAMODB_DOWN
    if result.action == "send_sms" and "SENS" in said:
        return _K.SENS_DOWN
    return _K.ACTION_FAILED


def _of_message(
    kind: TroubleKind, booking: str, message_kind: str, aliases: Mapping[str, str], detail: str
) -> Trouble:
    store_id, _, number = booking.partition("_")
    name = f"{aliases.get(store_id, store_id)} 예약 {number} {kind_label(message_kind)}"
    return Trouble(kind, f"{booking} {message_kind}", name, _short(detail))


def tally_of(facts: RunFacts) -> Tally:
    """Give what the run adds to the balance of the day."""

    def named(results: Iterable[ActionResult]) -> frozenset[str]:
        return frozenset(f"{r.booking_num} {r.kind}" for r in results)

    by_outcome: dict[Outcome, list[ActionResult]] = {outcome: [] for outcome in Outcome}
    for result in facts.sends:
        by_outcome[result.outcome].append(result)
    found = {
        f"{doubt.claim.key.booking_num} {doubt.claim.kind}"
        for doubt in facts.doubts
        if doubt.resolution is Resolution.ADOPTED
    }
    accepted = named([*by_outcome[Outcome.ACCEPTED], *by_outcome[Outcome.ADOPTED]]) | found
    types = {f"{e.key.booking_num} {e.kind}": e.message_type for e in facts.owed}
    read = {store.store_id for store in facts.stores if not (store.error or store.stopped)}
    return Tally(
        facts.execution_id,
        owed=frozenset(f"{e.key.booking_num} {e.kind}" for e in facts.owed),
        accepted=accepted,
        expired=frozenset(f"{row['booking']} {row['kind']}" for row in expired_rows(facts)),
        skipped=named(r for r in by_outcome[Outcome.SKIPPED] if not r.message.startswith(HELD))
        - accepted,
        in_doubt=frozenset(f"{row['booking']} {row['kind']}" for row in in_doubt_rows(facts)),
        stores=frozenset() if facts.failure else frozenset(read),
        delivered=facts.followed.delivered,
        failed=facts.followed.failed,
        types=Counter(types.get(name, "") for name in accepted),
        forecast=facts.forecast,
        opted_out=facts.decisions.opted_out,
    )


def _short(text: Any) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
