"""Settling doubts by SENS's own log: every cell of what it says and when it is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from naverplace.domain.message_status import MessageStatus
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.delivery_builders import key_of
from tests.in_doubt_scenes import FIRST, TWIN, Scene

CERTAIN = 60 + 2 * 300 + 0.2  # seconds after the claim of a process that has vanished


@pytest.fixture
def scene(world: Sandbox, world_env: dict[str, str]) -> Scene:
    return Scene(world, world_env)


@pytest.mark.parametrize("seen_to_fail", [False, True])
@pytest.mark.parametrize(
    ("sent", "seconds", "settled", "state"),
    [
        (True, 0, "adopted", MessageStatus.ACCEPTED),
        (True, CERTAIN + 1, "adopted", MessageStatus.ACCEPTED),
        (True, 86400, "adopted", MessageStatus.ACCEPTED),
        (False, CERTAIN + 1, "freed", MessageStatus.OWED),
        (False, 86400, "freed", MessageStatus.OWED),
    ],
)
def test_the_log_settles_it(
    sent: bool, seconds: float, settled: str, state: MessageStatus, seen_to_fail: bool, scene: Scene
) -> None:
    request_id = scene.die(scene.message(), sent=sent, seen_to_fail=seen_to_fail)

    (doubt,) = scene.later(seconds).settle()

    assert (doubt.resolution, scene.ledger().state) == (settled, state)
    assert doubt.request_id == scene.ledger().request_id == request_id
    assert scene.table.records.read([key_of(FIRST)])[key_of(FIRST)].remind_sms is sent
    assert scene.settle() == []


@pytest.mark.parametrize(("sent", "settled"), [(True, "adopted"), (False, "freed")])
def test_a_visitors_message_is_looked_up_at_the_visitors_phone(
    sent: bool, settled: str, scene: Scene
) -> None:
    scene.die(replace(scene.message(), to="01000000777", receiver="visitor"), sent=sent)

    (doubt,) = scene.later(CERTAIN + 1).settle()

    assert doubt.resolution == settled
    assert "01000000777" not in repr(scene.ledger())


@pytest.mark.parametrize(("seen_to_fail", "certain"), [(False, CERTAIN), (True, 0.2)])
def test_what_is_not_in_the_log_waits_until_it_is_certain(
    seen_to_fail: bool, certain: float, scene: Scene
) -> None:
    scene.settle_seconds = 60.2
    scene.die(scene.message(), sent=False, seen_to_fail=seen_to_fail)

    (early,) = scene.later(certain + 60 - 30).settle()
    assert (early.resolution, scene.ledger().is_in_doubt) == ("waiting", True)
    assert "SENS may still take it, until 14:" in early.why

    (late,) = scene.later(31).settle()
    assert (late.resolution, scene.ledger().state) == ("freed", MessageStatus.OWED)
    assert "not in SENS's log" in scene.ledger().reason


def test_a_log_that_lags_makes_it_wait_and_then_shows_it(scene: Scene) -> None:
    scene.settle_seconds = 120
    scene.world.world.sens.list_lag_seconds = 90
    scene.die(scene.message(), sent=True, seen_to_fail=True)

    assert [d.resolution for d in scene.settle()] == ["waiting"]
    assert [d.resolution for d in scene.later(91).settle()] == ["adopted"]


@pytest.mark.parametrize(
    "fault", ["status:503", "status:403", "html", "truncate_text", "drop_after"]
)
def test_nothing_is_decided_while_the_log_cannot_be_read(fault: str, scene: Scene) -> None:
    scene.die(scene.message(), sent=False)
    scene.later(CERTAIN + 1)
    scene.world.world.faults.append(Fault("sens", "GET", fault, times=None))

    (doubt,) = scene.settle()

    assert (doubt.resolution, scene.ledger().state) == ("unreadable", MessageStatus.CLAIMED)
    assert doubt.why
    scene.world.world.faults.clear()
    assert [d.resolution for d in scene.settle()] == ["freed"]


def test_a_content_that_cannot_be_read_frees_nothing(scene: Scene) -> None:
    scene.die(scene.message(), sent=True)
    scene.later(CERTAIN + 1)
    one_message = Fault("sens", "/messages/RSLA", "status:500", times=None)
    scene.world.world.faults.append(one_message)

    assert [d.resolution for d in scene.settle()] == ["unreadable"]
    assert one_message.hits > 0


def test_a_strangers_message_makes_it_unclear_until_the_log_has_proved_faithful(
    scene: Scene,
) -> None:
    scene.die(scene.message(), sent=False)
    scene.send(scene.message().to, "단골 손님께 드리는 안내")
    scene.later(CERTAIN + 1)

    (unclear,) = scene.settle()
    assert (unclear.resolution, scene.ledger().state) == ("unclear", MessageStatus.CLAIMED)
    assert "nobody can place 1 messages" in unclear.why
    assert scene.message().to not in unclear.why

    # A known message of ours, which the log repeats word by word: so the other one is not ours.
    scene.die(scene.message(2), sent=True)
    scene.settle(2)
    (freed,) = scene.settle(FIRST, knowing=[2])
    assert freed.resolution == "freed"


def test_a_log_that_writes_contents_in_another_way_frees_nothing(scene: Scene) -> None:
    scene.die(scene.message(), sent=True)
    scene.die(scene.message(2), sent=True)
    scene.settle(2)
    for message in scene.world.world.messages:
        message["content"] = message["content"].replace("예약", "豫約")
    scene.later(CERTAIN + 1)

    (doubt,) = scene.settle(FIRST, knowing=[2])

    assert (doubt.resolution, scene.ledger().state) == ("unclear", MessageStatus.CLAIMED)


def test_other_blanks_and_line_ends_in_the_log_do_not_hide_it(scene: Scene) -> None:
    scene.die(scene.message(), sent=True)
    for message in scene.world.world.messages:
        message["content"] = message["content"].replace(" ", "\r\n") + "\n"

    assert [d.resolution for d in scene.settle()] == ["adopted"]


def test_the_message_of_another_booking_of_the_same_phone_is_not_taken_for_it(
    scene: Scene,
) -> None:
    ours, other = scene.message(), scene.twin()
    scene.die(other, sent=True)
    assert [d.resolution for d in scene.settle(TWIN)] == ["adopted"]
    scene.die(ours, sent=False)
    scene.later(CERTAIN + 1)

    both = scene.settle(FIRST, TWIN)

    assert [d.resolution for d in both] == ["freed"]


@pytest.mark.parametrize("sent", [0, 1, 2])
def test_of_two_doubts_with_one_text_as_many_are_adopted_as_were_sent(
    sent: int, scene: Scene
) -> None:
    scene.die(scene.message(), sent=sent > 0)
    scene.later(1).die(scene.twin(), sent=sent > 1)
    scene.later(CERTAIN + 1)

    settled = [doubt.resolution.value for doubt in scene.settle(FIRST, TWIN)]

    assert settled == ["adopted"] * sent + ["freed"] * (2 - sent)
    requests = {scene.ledger(n).request_id for n in (FIRST, TWIN)} - {""}
    assert len(requests) == sent


@pytest.mark.parametrize("ahead", [-290.0, 290.0])
@pytest.mark.parametrize("sent", [True, False])
def test_a_clock_of_senss_that_differs_from_ours_hides_nothing(
    ahead: float, sent: bool, scene: Scene
) -> None:
    scene.world.world.advance(ahead)
    scene.clock_offset -= ahead  # ours stays where it was
    request_id = scene.die(scene.message(), sent=sent)

    (doubt,) = scene.later(CERTAIN + 1).settle()

    assert (doubt.resolution, doubt.request_id) == ("adopted" if sent else "freed", request_id)


def test_the_flag_flips_in_the_update_that_adopts(scene: Scene) -> None:
    scene.die(scene.message(), sent=True)
    before = len([seen for seen in scene.world.world.requests if "UpdateItem" in seen.target])

    scene.settle()

    assert scene.table.records.read([key_of(FIRST)])[key_of(FIRST)].remind_sms
    writes = [seen for seen in scene.world.world.requests if "UpdateItem" in seen.target]
    assert len(writes) == before + 1


@pytest.mark.parametrize("sent", [True, False])
def test_a_settling_whose_answer_was_lost_is_recognised(sent: bool, scene: Scene) -> None:
    scene.die(scene.message(), sent=sent)
    scene.later(CERTAIN + 1)
    scene.world.world.faults.append(Fault("aws", "UpdateItem", "drop_after"))

    (doubt,) = scene.settle()

    assert doubt.resolution.is_final


@pytest.mark.parametrize("sent", [True, False])
def test_two_that_settle_one_doubt_agree(sent: bool, scene: Scene) -> None:
    scene.die(scene.message(), sent=sent)
    scene.later(CERTAIN + 1)
    seen = scene.doubts([key_of(FIRST)])
    (first,) = scene.settle()
    ledger = scene.ledger()

    (second,) = scene.settler().resolve(seen)

    assert second.resolution == first.resolution
    assert scene.ledger() == ledger


def test_who_settles_late_leaves_what_was_sent_again_meanwhile_alone(scene: Scene) -> None:
    scene.die(scene.message(), sent=False)
    scene.later(CERTAIN + 1)
    seen = scene.doubts([key_of(FIRST)])
    scene.settle()
    scene.die(scene.message(), sent=False)
    again = scene.ledger()

    (late,) = scene.settler().resolve(seen)

    assert (late.resolution, late.why) == ("elsewhere", "its ledger has moved on meanwhile")
    assert scene.ledger() == again


def test_a_doubt_from_the_last_month_is_looked_for_where_it_was(scene: Scene) -> None:
    request_id = scene.die(scene.message(), sent=True)

    (doubt,) = scene.later(45 * 86400).settle()

    assert (doubt.resolution, doubt.request_id) == ("adopted", request_id)


def test_a_claim_from_the_future_stops_nobody(scene: Scene) -> None:
    scene.later(86400).die(scene.message(), sent=False)

    (doubt,) = scene.later(-86400).settle()

    assert doubt.resolution == "waiting"
