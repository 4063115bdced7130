"""A door code is sent only for a booking that was read just now, and is still as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from naverplace.base.clock import Clock
from naverplace.delivery.outcomes import PATIENCE
from naverplace.domain.results import Outcome
from naverplace.pipeline import context, steps
from sandbox.control_bookings import change_bookings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from sandbox.state import World
from tests.delivery_builders import STORE
from tests.pipeline.store_runs import Begun, Shop

ROOT = Path(__file__).resolve().parents[2]
Change = Callable[[Shop, int, Any], None]


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose bookings are old as soon as they are read."""
    monkeypatch.chdir(ROOT)
    return Shop(world, world_env, ledger_settings={"fresh_seconds": 0.0})


@dataclass(frozen=True)
class StoodStill(Clock):
    """The clock of a process that stood still while Naver's n-th answer was on its way."""

    world: World = field(default_factory=World)
    answer: int = 1

    def now(self) -> datetime:
        asked = [seen for seen in self.world.requests if seen.service == "partner"]
        frozen = timedelta(minutes=10) if len(asked) >= self.answer else timedelta()
        return super().now() + frozen


def booking_of(begun: Begun, kind: str = "guide") -> int:
    return int(begun.send(kind).key.booking_num.partition("_")[2])


def change(shop: Shop, booking_id: int, **changes: Any) -> None:
    order = {"action": "change", "store": STORE, "booking_id": booking_id, "changes": changes}
    change_bookings(shop.world.world, order)


def asked(shop: Shop) -> int:
    return len([seen for seen in shop.world.world.requests if seen.service == "partner"])


def move(shop: Shop, begun: Begun) -> None:
    start = begun.send("guide").for_start
    assert start is not None
    raw = next(r for r in shop.world.world.stores[STORE] if r["bookingId"] == booking_of(begun))
    later = (start + timedelta(hours=3)).astimezone(UTC)
    changed = {**raw["snapshotJson"], "startDateTime": f"{later:%Y-%m-%dT%H:%M:%SZ}"}
    change(shop, booking_of(begun), snapshotJson=changed)


def test_the_guide_opens_a_door_and_the_confirmation_does_not(shop: Shop) -> None:
    begun = shop.begin()

    assert (begun.send("guide").access, begun.send("confirmation").access) == (True, False)
    assert begun.send("guide").read_at is not None
    assert begun.send("guide").for_start is not None


def test_a_booking_that_is_still_the_same_gets_its_door_code(shop: Shop) -> None:
    begun = shop.begin()

    results = begun.deliver()

    assert {kind: r.outcome for kind, r in results.items()} == {
        "guide": Outcome.ACCEPTED,
        "confirmation": Outcome.ACCEPTED,
    }


def cancel(shop: Shop, begun: Begun) -> None:
    order = {"action": "cancel", "store": STORE, "booking_id": booking_of(begun)}
    change_bookings(shop.world.world, order)


def complete(shop: Shop, begun: Begun) -> None:
    change(shop, booking_of(begun), bookingStatusCode="RC08")


def change_phone(shop: Shop, begun: Begun) -> None:
    change(shop, booking_of(begun), phone="01000000088")


def vanish(shop: Shop, begun: Begun) -> None:
    shop.world.world.stores[STORE] = []


def test_a_moved_booking_is_noticed_also_when_the_rule_is_not_bound_to_the_start(
    shop: Shop,
) -> None:
    begun = shop.begin()
    move(shop, begun)
    unbound = replace(begun.send("guide"), for_start=None)

    results = begun.deliver([unbound])

    assert "has been moved" in results["guide"].message
    assert shop.received() == []


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (cancel, "not confirmed any more"),
        (complete, "not confirmed any more"),
        (vanish, "not confirmed any more"),
        (move, "has been moved"),
        (change_phone, "phone has changed"),
    ],
)
def test_a_booking_that_has_changed_since_gets_no_door_code(
    what: Callable[[Shop, Begun], None], words: str, shop: Shop
) -> None:
    begun = shop.begin()
    what(shop, begun)

    results = begun.deliver()

    assert results["guide"].outcome is Outcome.SKIPPED
    assert words in results["guide"].message
    assert results["confirmation"].outcome is Outcome.ACCEPTED
    assert [kind for kind, _ in shop.sent_kinds(begun)] == ["confirmation"]


def test_a_broken_booking_of_the_store_closes_no_other_door(shop: Shop) -> None:
    begun = shop.begin()
    rows: list[dict[str, Any]] = [
        {"snapshotJson": {}},
        {"phone": None},
        {"snapshotJson": {"startDateTime": "?"}},
    ]
    for broken in rows:
        added = {"action": "add", "store": STORE, "phone": "01000000089"}
        raw = change_bookings(shop.world.world, added)
        change(shop, raw["bookingId"], **broken)

    assert begun.deliver()["guide"].outcome is Outcome.ACCEPTED


def test_a_booking_that_cannot_be_read_any_more_gets_no_door_code(shop: Shop) -> None:
    begun = shop.begin()
    change(shop, booking_of(begun), snapshotJson={})

    assert begun.deliver()["guide"].outcome is Outcome.SKIPPED


def test_another_spelling_of_the_phone_changes_nothing(shop: Shop) -> None:
    begun = shop.begin()
    phone = begun.send("guide").to
    change(shop, booking_of(begun), phone=f"{phone[:3]}-{phone[3:7]}-{phone[7:]}")

    assert begun.deliver()["guide"].outcome is Outcome.ACCEPTED


def test_what_was_asked_before_the_run_stood_still_is_read_again(shop: Shop) -> None:
    shop.ledger_settings["fresh_seconds"] = 300.0
    run = context.open_run(shop.settings, run_id="slow", door="cli", only=[STORE])
    session = steps.restore_session(run)
    run.clock = StoodStill(run.clock.offset, shop.world.world, asked(shop) + 2)
    begun = shop.go_on(run, session)
    cancel(shop, begun)

    results = begun.deliver()

    assert "not confirmed any more" in results["guide"].message
    assert [kind for kind, _ in shop.sent_kinds(begun)] == ["confirmation"]


def test_a_second_look_that_took_long_opens_no_door(shop: Shop) -> None:
    begun = shop.begin()
    begun.run.clock = StoodStill(begun.run.clock.offset, shop.world.world, asked(shop) + 1)
    cancel(shop, begun)

    results = begun.deliver()

    assert results["guide"].outcome is Outcome.FAILED
    assert "took 600 s" in results["guide"].message
    assert results["confirmation"].outcome is Outcome.ACCEPTED


def test_what_was_read_just_now_is_not_read_again(shop: Shop) -> None:
    shop.ledger_settings["fresh_seconds"] = 300.0
    begun = shop.begin()
    cancel(shop, begun)
    before = asked(shop)

    results = begun.deliver()

    assert asked(shop) == before
    assert results["guide"].outcome is Outcome.ACCEPTED


def test_a_text_without_access_data_needs_no_second_look(shop: Shop) -> None:
    begun = shop.begin()
    before = asked(shop)

    begun.deliver([begun.send("confirmation")])

    assert asked(shop) == before


@pytest.mark.parametrize("fault", ["status:503", "status:403", "html", "drop_before"])
def test_while_naver_cannot_be_asked_no_door_is_opened_and_everything_else_goes_out(
    fault: str, shop: Shop
) -> None:
    begun = shop.begin()
    shop.world.world.faults.append(Fault("partner", "", fault, times=None))

    results = begun.deliver()

    assert results["guide"].outcome is Outcome.FAILED
    assert "DynamoDB" not in results["guide"].message
    assert results["confirmation"].outcome is Outcome.ACCEPTED
    assert [kind for kind, _ in shop.sent_kinds(begun)] == ["confirmation"]
    shop.world.world.faults.clear()
    assert shop.begin("next").deliver()["guide"].outcome is Outcome.ACCEPTED


def test_a_naver_that_is_away_is_asked_a_few_times_and_costs_no_other_message(shop: Shop) -> None:
    begun = shop.begin()
    guide = begun.send("guide")
    shop.world.world.faults.append(Fault("partner", "", "status:503", times=None))
    before = asked(shop)
    many = [shop.door_message(guide, number) for number in range(1, PATIENCE + 4)]

    results = shop.deliver_all(begun, [*many, begun.send("confirmation")])

    assert [r.outcome for r in results] == [Outcome.FAILED] * len(many) + [Outcome.ACCEPTED]
    assert [("not tried: Naver" in r.message) for r in results[:-1]] == (
        [False] * PATIENCE + [True] * 3
    )
    assert asked(shop) - before == PATIENCE * shop.settings.naver.attempts
