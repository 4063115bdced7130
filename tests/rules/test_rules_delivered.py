"""Rules, ledger and table together: what was owed once is sent once, also after a broken run."""

from __future__ import annotations

from collections.abc import Sequence

from naverplace.domain.booking import Booking
from naverplace.domain.effects import CreateRecord
from naverplace.domain.results import Decisions, Outcome
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings
from sandbox.server import Sandbox
from tests.delivery_builders import deliver_with, open_table, quick
from tests.rule_builders import a_booking, decided, kinds, shipped, with_rules

BOOK = with_rules(shipped(), "new-booking", "confirmation-still-owed", "guide", "welcome")


def owed_now(settings: Settings, bookings: Sequence[Booking]) -> Decisions:
    records = open_table(settings).records.read(booking.key for booking in bookings)
    return decided(BOOK, bookings, records)


def now_of(world: Sandbox, world_env: dict[str, str]) -> Settings:
    """Load the settings that a run has at the world's time."""
    return quick(load_settings(env={**world_env, **world.environment()}, env_file=None))


def texts(world: Sandbox) -> list[str]:
    return [message["content"] for message in world.world.messages]


def test_a_second_run_owes_nothing(world: Sandbox, settings: Settings) -> None:
    settings = quick(settings)
    bookings = [a_booking(n) for n in range(900, 904)]

    first = deliver_with(settings, owed_now(settings, bookings).effects)

    assert {result.outcome for result in first} == {Outcome.ACCEPTED, Outcome.WRITTEN}
    assert owed_now(settings, bookings).effects == ()
    assert len(texts(world)) == 8


def test_a_message_of_its_own_survives_a_run_that_dies_after_the_record(
    world: Sandbox, settings: Settings
) -> None:
    settings = quick(settings)
    booking = a_booking(910)
    effects = owed_now(settings, [booking]).effects
    deliver_with(settings, [effect for effect in effects if isinstance(effect, CreateRecord)])
    assert texts(world) == []

    decisions = owed_now(settings, [booking])
    results = deliver_with(settings, decisions.effects, run_id="next")

    assert kinds(decisions) == ["confirmation", "welcome"]
    assert [result.outcome for result in results] == [Outcome.ACCEPTED] * 2
    assert owed_now(settings, [booking]).effects == ()
    assert len(texts(world)) == 2


def test_a_message_of_its_own_that_was_refused_is_owed_again(
    world: Sandbox, world_env: dict[str, str]
) -> None:
    settings = now_of(world, world_env)
    booking = a_booking(920)
    world.world.sens.senders.clear()
    deliver_with(settings, owed_now(settings, [booking]).effects)
    world.world.sens.senders.add("0310000000")
    world.world.advance(20 * 60)  # the next run; the back-off after a first refusal is shorter
    settings = now_of(world, world_env)

    results = deliver_with(settings, owed_now(settings, [booking]).effects, run_id="next")

    assert sorted(result.kind for result in results) == ["confirmation", "welcome"]
    assert {result.outcome for result in results} == {Outcome.ACCEPTED}
