"""The judgement of a case: the phones' view and the tables against what was owed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.server import Sandbox
from trials.campaign.fork_server import DIED, Ended
from trials.campaign.shop import FLAGS, WORDS, Customer, kind_of

Wanted = set[tuple[str, str]]  # phone and kind
PREFIX = "message_"
WITH_PROVIDER = ("accepted", "delivered", "failed")


@dataclass(frozen=True)
class Judgement:
    """What is wrong with a case, in words; empty parts are good."""

    duplicates: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    unexplained: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Tell whether nothing is wrong."""
        return not (self.duplicates or self.lost or self.unexplained)

    def counts(self) -> dict[str, int]:
        """Count what is wrong."""
        return {
            "duplicates": len(self.duplicates),
            "lost": len(self.lost),
            "unexplained": len(self.unexplained),
        }

    def words(self) -> list[str]:
        """List what is wrong."""
        return [*self.duplicates, *self.lost, *self.unexplained]


def judge(
    sandbox: Sandbox,
    people: Sequence[tuple[Customer, ...]],
    times: Sequence[datetime],
    ends: Sequence[Ended],
    *,
    also: Sequence[str] = (),
) -> Judgement:
    """Judge a case by its phones, its tables and its reports; `people` are as of each run.

    `also` is what was seen to be wrong beside it: its history, requests that were let in although
    they came from another case's run.
    """
    messages = sandbox.messages()
    seen = Counter((m["to"], kind_of(m)) for m in messages)
    wanted: dict[tuple[str, str], Customer] = {}
    for those, at in zip(people, times, strict=True):
        for person in those:
            for kind in person.owed(at):
                wanted[person.phone, kind] = person
    cancelled = {p.phone for p in people[-1] if p.cancelled_at}
    duplicates = [f"{kind} to {to}: {n} times" for (to, kind), n in seen.items() if n > 1]
    lost = [
        f"{kind} of {person.booking_num} was never sent, and no report names it"
        for (phone, kind), person in wanted.items()
        if not seen[phone, kind]
        and phone not in cancelled
        and not _is_named(person.booking_num, kind, ends)
        and not _was_told(sandbox, person.booking_num, kind)
    ]
    unexplained = [
        *also,
        *(f"{kind} to {to} was not owed" for to, kind in seen if (to, kind) not in wanted),
        *_odd_ends(ends),
        *_odd_tables(sandbox.sms_items(), messages, people[-1]),
    ]
    return Judgement(tuple(duplicates), tuple(lost), tuple(unexplained))


def _is_named(booking_num: str, kind: str, ends: Sequence[Ended]) -> bool:
    for end in ends:
        rows = [*end.report.get("expired", ()), *end.report.get("unsettled", ())]
        if any(row["booking"] == booking_num and row["kind"] == kind for row in rows):
            return True
    return False


def _was_told(sandbox: Sandbox, booking_num: str, kind: str) -> bool:
    """Tell whether the owner read it, from a run that died before it could hand on its report."""
    named = f"예약 {booking_num.partition('_')[2]} {WORDS[kind]}:"
    return any(named in message["text"] for message in sandbox.world.telegram)


def _odd_ends(ends: Sequence[Ended]) -> Iterator[str]:
    for number, end in enumerate(ends):
        report = end.report
        if end.state == DIED:
            continue
        if end.state != "reported":
            yield f"run {number} raised {end.words}"
        elif not report["balanced"]:
            yield f"run {number} does not balance: {report['contradictions']}"
        elif report["status"] != "success" and not report["problems"]:
            yield f"run {number} failed and names no problem"
    last = ends[-1].report
    idle = last and not sum(last["messages"].values()) and not last["settled"]
    if not idle or last.get("status") != "success":
        yield f"it never became quiet: {last.get('problems')}"


def _odd_tables(
    items: Sequence[Mapping[str, Any]],
    messages: Sequence[Mapping[str, Any]],
    people: Sequence[Customer],
) -> Iterator[str]:
    """Compare ledger, flags and SENS's log."""
    sent = {m["requestId"]: (m["to"], kind_of(m)) for m in messages}
    ours: Counter[str] = Counter()
    before = {p.booking_num: p.flags or () for p in people}
    for item in items:
        phone = item["phone"].replace("-", "")
        ledgers = {n.removeprefix(PREFIX): v for n, v in item.items() if n.startswith(PREFIX)}
        for kind, ledger in ledgers.items():
            if ledger["state"] in WITH_PROVIDER:
                ours[ledger.get("request_id", "")] += 1
                if sent.get(ledger.get("request_id", "")) != (phone, kind):
                    yield f"the ledger's {kind} of {item['booking_num']} is not in SENS's log"
            elif ledger["state"] in ("claimed", "in_doubt"):
                yield f"{kind} of {item['booking_num']} is left {ledger['state']}"
        for kind, flag in FLAGS.items():
            state = ledgers.get(kind, {}).get("state", "")
            right = flag in before.get(item["booking_num"], ()) or state in WITH_PROVIDER
            if (item.get(flag) is True) != right:
                yield f"{flag} of {item['booking_num']} is {item.get(flag)}, its message is {state}"
    for request_id, (to, kind) in sent.items():
        if ours[request_id] != 1:
            yield f"{kind} to {to} stands {ours[request_id]} times in the ledger"
