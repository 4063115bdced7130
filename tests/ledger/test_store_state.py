"""Leases and open messages as values: laws for every order of takes, renewals and ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from naverplace.aws.dynamodb import from_wire, to_wire
from naverplace.base.clock import SEOUL
from naverplace.domain.effects import RecordKey
from naverplace.ledger.store_state import (
    PREFIX,
    Lease,
    LeaseLost,
    LockedByOther,
    NotOurs,
    Ownership,
    PendingMessage,
    StoreState,
    acquire,
    as_item,
    ensure_ours,
    forget,
    mark_coexisting,
    mark_sole_sender_from,
    owner_of,
    read_state,
    release,
    renew,
    transfer,
)

NOON = datetime(2025, 10, 22, 12, 0, tzinfo=SEOUL)
SECONDS = 180.0
HOLDERS = ["run-a/1", "run-a/2", "run-b/3"]


def a_message(number: int, kind: str = "guide") -> PendingMessage:
    return PendingMessage(RecordKey(f"1051707_{number}", f"010-0000-{number:04}"), kind)


MESSAGES = [a_message(1), a_message(2), a_message(1, "event"), a_message(3)]
some_messages = st.lists(st.sampled_from(MESSAGES), max_size=3)


def taken(item: StoreState, holder: str = "run-a/1", **changes: Any) -> StoreState:
    values = {"run_id": "run-a", "now": NOON, "seconds": SECONDS, **changes}
    return acquire(item, holder=holder, **values)


def lease_of(item: StoreState) -> Lease:
    assert item.lease is not None
    return item.lease


class Holders(RuleBasedStateMachine):
    """Three processes, each believing what it was told last, on one store's item."""

    @initialize()
    def begin(self) -> None:
        self.item, self.now = StoreState("1051707"), NOON
        self.leases: dict[str, Lease] = {}  # what each holder believes to have
        self.may_be_open: set[PendingMessage] = set()  # opened, and resolved by nobody

    @rule(holder=st.sampled_from(HOLDERS), opening=some_messages)
    def acquire(self, holder: str, opening: list[PendingMessage]) -> None:
        before = self.item
        try:
            self.item = taken(before, holder, now=self.now, opening=opening)
        except LockedByOther:
            current = before.holder_at(self.now)
            assert current is not None
            assert current.holder != holder
            return
        assert before.holder_at(self.now) is None or lease_of(before).holder == holder
        assert self.item.epoch == before.epoch + 1
        self.leases[holder] = lease_of(self.item)
        self.may_be_open |= set(opening)

    @rule(holder=st.sampled_from(HOLDERS))
    def renew(self, holder: str) -> None:
        if held := self.leases.get(holder):
            try:
                self.item = renew(self.item, held, now=self.now, seconds=SECONDS)
            except LeaseLost:
                assert self.item.lease is None or lease_of(self.item).epoch != held.epoch
                return
            self.leases[holder] = lease_of(self.item)

    @rule(holder=st.sampled_from(HOLDERS), resolved=some_messages)
    def release(self, holder: str, resolved: list[PendingMessage]) -> None:
        if held := self.leases.get(holder):
            before = self.item
            try:
                self.item = release(before, held, resolved=resolved)
            except LeaseLost:
                assert before.lease is None or lease_of(before).epoch != held.epoch
                return
            self.may_be_open -= set(resolved)
            # What is kept beside them may be resolved long since: whoever comes next looks again.
            phones = {m.key.phone for m in before.open if m not in resolved}
            assert {m for m in self.item.open if m.key.phone not in phones} == set()

    @precondition(lambda self: self.item.lease is not None)
    @rule(seconds=st.floats(0, 400))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def it_is_stored(self) -> None:
        stored = from_wire(to_wire(as_item(self.item)))
        assert read_state("1051707", stored) == self.item

    @invariant()
    def at_most_one_holder_can_act(self) -> None:
        able = [held for held in self.leases.values() if self.can_renew(held)]
        assert len(able) <= 1

    @invariant()
    def the_epoch_is_the_largest_ever_given(self) -> None:
        assert self.item.epoch == max((held.epoch for held in self.leases.values()), default=0)

    @invariant()
    def nothing_open_is_forgotten(self) -> None:
        assert set(self.item.open) >= self.may_be_open

    def can_renew(self, held: Lease) -> bool:
        try:
            renew(self.item, held, now=self.now, seconds=SECONDS)
        except LeaseLost:
            return False
        return True


TestEveryOrderOfHolders = Holders.TestCase


def test_a_store_is_refused_to_the_second_with_the_name_and_time_of_the_first() -> None:
    item = taken(StoreState("1051707"))

    with pytest.raises(
        LockedByOther, match="run run-a is sending for this store until 12:03:00"
    ) as held:
        taken(item, "run-b/2", now=NOON + timedelta(seconds=SECONDS) - timedelta.resolution)

    assert held.value.lease == lease_of(item)
    assert lease_of(taken(item, "run-b/2", now=lease_of(item).until)).epoch == 2


def test_a_retry_of_the_same_run_is_another_holder() -> None:
    item = taken(StoreState("1051707"), "run-a/1", run_id="run-a")

    with pytest.raises(LockedByOther):
        taken(item, "run-a/2", run_id="run-a")
    again = taken(item, "".join(["run-a", "/1"]), run_id="run-a")
    assert lease_of(again).epoch == 2


def test_a_message_keeps_the_moment_since_when_it_is_open() -> None:
    item = taken(StoreState("1051707"), opening=[a_message(1)])

    again = taken(item, "run-b/2", now=NOON + timedelta(hours=1), opening=MESSAGES[:2])

    assert again.open == {a_message(1): NOON, a_message(2): NOON + timedelta(hours=1)}


def test_a_lease_that_ran_out_is_renewed_while_nobody_has_taken_the_store() -> None:
    item = taken(StoreState("1051707"))
    late = NOON + timedelta(hours=1)

    assert lease_of(renew(item, lease_of(item), now=late, seconds=60)).until == late + timedelta(
        minutes=1
    )


def test_nobody_closes_what_was_taken_over_and_its_messages_stay_open() -> None:
    first = taken(StoreState("1051707"), opening=[a_message(1)])
    second = taken(first, "run-b/2", now=NOON + timedelta(hours=1))

    with pytest.raises(LeaseLost, match="another run has taken over"):
        release(second, lease_of(first), resolved=[a_message(1)])

    assert a_message(1) in second.open


def test_a_resolved_message_stays_open_while_another_to_its_phone_is_in_doubt() -> None:
    item = taken(StoreState("1051707"), opening=MESSAGES)
    guide, _, event, _ = MESSAGES

    closed = release(item, lease_of(item), resolved=[m for m in MESSAGES if m != guide])
    again = taken(closed)

    assert set(closed.open) == {guide, event}
    assert release(again, lease_of(again), resolved=[guide, event]).open == {}


def test_what_other_modules_keep_in_the_item_is_kept() -> None:
    item = read_state("1051707", {"id": "x", "batch": {"bookings": 58}, "released": "김하나"})

    closed = release(taken(item), lease_of(taken(item)), resolved=[])

    assert as_item(closed) == {
        "id": PREFIX + "1051707",
        "version": 0,
        "epoch": 1,
        "open": {},
        "batch": {"bookings": 58},
        "released": "김하나",
    }


@pytest.mark.parametrize(
    "lease",
    ["mine", None, {}, {"holder": "a", "run_id": "a", "epoch": "x", "until": "2025-10-22"}],
)
def test_an_unreadable_lease_counts_as_over(lease: Any) -> None:
    item = read_state("1051707", {"lease": lease, "epoch": 7})

    assert item.holder_at(NOON) is None
    assert taken(item).epoch == 8


@given(
    booking=st.text("0123456789_가", min_size=1),
    phone=st.text("0123456789-+| ", min_size=1),
    kind=st.text("abc_가 #", min_size=1),
)
def test_a_message_is_found_again_under_its_stored_name(
    booking: str, phone: str, kind: str
) -> None:
    message = PendingMessage(RecordKey(booking, phone), kind)

    stored = as_item(taken(StoreState("1051707"), opening=[message]))

    assert list(read_state("1051707", stored).open) == [message]


def test_an_item_shows_no_phone_when_it_is_printed() -> None:
    item = taken(StoreState("1051707"), opening=[a_message(1)])

    closed = release(item, lease_of(item), resolved=[a_message(1)])

    assert closed.awaiting
    assert "010-0000" not in repr(item) + repr(closed)


@pytest.mark.parametrize(("seconds", "held"), [(-1, True), (0, False), (1, False)])
def test_a_lease_holds_until_its_moment_and_no_longer(seconds: int, held: bool) -> None:
    item = taken(StoreState("1051707"))
    moment = NOON + timedelta(seconds=SECONDS + seconds)

    assert item.holder_at(moment) == (item.lease if held else None)
    assert StoreState("1051707").holder_at(moment) is None


def test_an_item_without_a_number_begins_at_nothing() -> None:
    assert read_state("1051707", {}) == StoreState("1051707")
    assert as_item(StoreState("1051707")) == {
        "id": "naverplace-store-1051707",
        "version": 0,
        "epoch": 0,
        "open": {},
    }


def test_of_what_awaits_its_delivery_the_latest_thousand_are_kept() -> None:
    moment = timedelta(seconds=1)
    old = {a_message(2000 - number): NOON + number * moment for number in range(1000)}
    item = replace(taken(StoreState("1051707"), opening=[a_message(1)]), awaiting=old)
    item = replace(item, open={a_message(1): NOON + timedelta(hours=1)})

    kept = release(item, lease_of(item), resolved=[a_message(1)]).awaiting

    assert set(kept) == {a_message(1), *old} - {a_message(2000)}
    assert list(kept)[-1] == a_message(1)


def test_what_is_told_of_is_awaited_no_longer() -> None:
    item = replace(StoreState("1051707"), awaiting=dict.fromkeys(MESSAGES, NOON))

    assert set(forget(item, MESSAGES[:2]).awaiting) == set(MESSAGES[2:])


def owned_by(owner: Any, **parts: Any) -> StoreState:
    """A store's item as it is read: its texts are none of ours."""
    read = owner if not isinstance(owner, str) else {"owner": "".join(list(owner)), **parts}
    return read_state("1051707", from_wire(to_wire({"owner": read})))


UNREADABLE = ["new", 7, [], {"owner": "nobody"}, {}]


@pytest.mark.parametrize(("owner", "ours"), [("legacy", False), ("shadow", False), ("new", True)])
def test_a_store_is_taken_and_held_on_by_us_only_while_we_own_it(owner: str, ours: bool) -> None:
    item, default = owned_by(owner), "legacy" if ours else "new"
    held = taken(item)

    assert owner_of(item, default).ours is ours
    for attempt in (
        lambda: ensure_ours(item, default),
        lambda: taken(item, default_owner=default),
        lambda: renew(held, lease_of(held), now=NOON, seconds=1, default_owner=default),
    ):
        if ours:
            attempt()
        else:
            with pytest.raises(NotOurs, match=f"owned by {owner}"):
                attempt()
    assert lease_of(renew(held, lease_of(held), now=NOON, seconds=1)).epoch == 1


@pytest.mark.parametrize("entry", UNREADABLE)
@pytest.mark.parametrize("default", ["new", "legacy"])
def test_an_owner_that_cannot_be_read_is_nobody(entry: Any, default: str) -> None:
    item = read_state("1051707", {"owner": entry})

    assert owner_of(item, default) == Ownership("unreadable")
    with pytest.raises(NotOurs):
        ensure_ours(item, default)


@pytest.mark.parametrize("default", ["new", "legacy", "shadow"])
def test_without_an_entry_the_default_owns_and_then_nobody_has_ever_run_beside_us(
    default: str,
) -> None:
    owned = owner_of(StoreState("1051707"), "".join(list(default)))
    began = datetime(1970, 1, 1, tzinfo=UTC)

    assert (owned.owner, owned.epoch) == (default, 0)
    assert not owned.reserves_at(began)
    assert (owned.alone_from is None) == (default != "new")


@pytest.mark.parametrize(
    ("owner", "alone_from", "reserves"),
    [
        ("new", None, True),
        ("new", NOON + timedelta.resolution, True),
        ("new", NOON, False),
        ("new", NOON - timedelta.resolution, False),
        ("legacy", None, False),
        ("legacy", NOON + timedelta.resolution, False),
        ("shadow", None, False),
    ],
)
def test_our_store_reserves_until_no_run_of_the_legacy_can_be_alive(
    owner: str, alone_from: datetime | None, reserves: bool
) -> None:
    assert Ownership(owner, alone_from=alone_from).reserves_at(NOON) is reserves


@pytest.mark.parametrize("owner", ["legacy", "shadow", "new"])
@pytest.mark.parametrize("to", ["legacy", "shadow", "new"])
def test_a_store_that_is_given_away_has_the_next_epoch_and_one_that_is_not_stays_as_it_is(
    owner: str, to: str
) -> None:
    item = owned_by(owner, epoch=3, by="before")

    given = transfer(item, to, default="new", by="김하나", why="switch", now=NOON)

    if owner == to:
        assert given is item
    else:
        assert owner_of(given, "new") == Ownership(to, 4, NOON, "김하나", "switch")
    assert given.extra["owner"].get("alone_from") is None


def test_the_owner_by_default_is_written_down_when_it_is_named() -> None:
    item = StoreState("1051707")

    given = transfer(item, "new", default="new", by="us", why="", now=NOON)

    assert owner_of(given, "legacy") == Ownership("new", 1, NOON, "us")
    assert given.extra["owner"] == {
        "owner": "new",
        "epoch": 1,
        "since": "2025-10-22T03:00:00+00:00",
        "by": "us",
        "why": "",
    }


def test_an_entry_without_an_epoch_has_none_so_far() -> None:
    assert owner_of(owned_by("new"), "legacy") == Ownership("new", epoch=0)
    assert Ownership("new").epoch == 0


def alone_from(item: StoreState) -> datetime | None:
    return owner_of(item, "new").alone_from


def test_from_when_on_we_are_alone_is_noted_once_and_until_the_legacy_runs_again() -> None:
    beside = owned_by("new")

    alone = mark_sole_sender_from(beside, NOON, default="legacy")
    later = mark_sole_sender_from(alone, NOON + timedelta(hours=1), default="legacy")

    assert (alone_from(beside), alone_from(alone), alone_from(later)) == (None, NOON, NOON)
    assert alone_from(mark_coexisting(alone, default="legacy")) is None


@pytest.mark.parametrize("owner", ["legacy", "shadow"])
def test_who_runs_beside_a_store_that_is_not_ours_is_not_noted(owner: str) -> None:
    item = owned_by(owner)

    assert mark_sole_sender_from(item, NOON, default="new") is item
    assert mark_coexisting(item, default="new") is item
