"""Carrying effects out against the sandbox: never twice, never lost."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from logging.handlers import BufferingHandler

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from naverplace.base.stopping import StopRequest
from naverplace.delivery.outcomes import PATIENCE
from naverplace.domain.effects import Effect, SetFlag
from naverplace.domain.results import ActionResult, Outcome
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.delivery_builders import (
    a_notice,
    a_record,
    a_send,
    deliver_with,
    item_of,
    key_of,
    open_table,
    quick,
)


@pytest.fixture
def fast(settings: Settings) -> Settings:
    return quick(settings)


def outcomes(results: list[ActionResult]) -> list[str]:
    return [result.outcome.value for result in results]


def received(world: Sandbox) -> list[str]:
    return [str(message["to"]) for message in world.world.messages]


def test_a_new_booking_is_recorded_confirmed_and_guided_in_this_order(
    world: Sandbox, fast: Settings
) -> None:
    effects: list[Effect] = [a_record(1), a_send(fast, 1, "confirmation"), a_send(fast, 1)]

    results = deliver_with(fast, effects)

    assert outcomes(results) == ["written", "accepted", "accepted"]
    assert [result.action for result in results] == ["create_db_record", "send_sms", "send_sms"]
    assert [result.writes for result in results] == [1, 2, 2]
    assert len({result.request_id for result in results[1:]}) == 2
    contents = [str(message["content"]) for message in world.world.messages]
    assert ["confirmation" in text for text in contents] == [True, False]
    record = open_table(fast).records.read([key_of(1)])[key_of(1)]
    assert (record.confirm_sms, record.remind_sms, record.option_sms) == (True, True, False)


def test_everything_done_twice_sends_and_writes_nothing_the_second_time(
    world: Sandbox, fast: Settings
) -> None:
    effects: list[Effect] = [a_record(n) for n in range(3)]
    effects += [a_send(fast, n) for n in range(3)]
    effects += [a_notice(n) for n in range(3)]
    deliver_with(fast, effects, run_id="first")

    again = deliver_with(fast, effects, run_id="second")

    assert outcomes(again) == ["skipped"] * 9
    assert sum(result.writes for result in again) == 0
    assert len(world.world.messages) == 3
    assert len(world.world.telegram) == 1


def test_two_runs_at_once_send_one_message_each(world: Sandbox, fast: Settings) -> None:
    effects = [a_send(fast, n) for n in range(6)]

    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda n: deliver_with(fast, effects, run_id=f"run-{n}"), range(3)))

    assert sorted(received(world)) == sorted(effect.to for effect in effects)
    for results in zip(*runs, strict=True):
        assert outcomes(list(results)).count("accepted") == 1


@pytest.mark.parametrize(
    ("fault", "outcome", "arrived", "next_outcome"),
    [
        ("status:429", "failed", 0, "accepted"),
        ("status:400", "refused", 0, "refused"),
        ("status:401", "refused", 0, "accepted"),
        ("status:403", "refused", 0, "accepted"),
        ("status:404", "refused", 0, "accepted"),
        ("status:413", "refused", 0, "refused"),
        ("status:500", "in_doubt", 0, "in_doubt"),
        ("status:503", "in_doubt", 0, "in_doubt"),
        ("status:302", "in_doubt", 0, "in_doubt"),
        ("html", "in_doubt", 0, "in_doubt"),
        ("timeout_before", "in_doubt", 0, "in_doubt"),
        ("timeout_after", "in_doubt", 1, "in_doubt"),
        ("drop_before", "in_doubt", 0, "in_doubt"),
        ("drop_after", "in_doubt", 1, "in_doubt"),
        ("truncate", "in_doubt", 1, "in_doubt"),
        ("truncate_text", "in_doubt", 1, "in_doubt"),
    ],
)
def test_what_sens_answers_decides_whether_it_may_be_sent_again(
    fault: str, outcome: str, arrived: int, next_outcome: str, world: Sandbox, settings: Settings
) -> None:
    fast = quick(settings, read_timeout=0.5)
    tries = fast.sens.attempts if fault == "status:429" else 1
    world.world.faults.append(Fault("sens", "POST", fault, times=tries))

    (first,) = deliver_with(fast, [a_send(fast, 1)], run_id="first")
    assert (first.outcome, len(world.world.messages)) == (outcome, arrived)
    flags = open_table(fast).records.read([key_of(1)])[key_of(1)]
    assert not flags.remind_sms

    (second,) = deliver_with(fast, [a_send(fast, 1)], run_id="second")
    assert second.outcome == next_outcome
    assert len(world.world.messages) == arrived + (next_outcome == "accepted")


def test_asked_to_wait_once_the_message_goes_out_in_the_same_run(
    world: Sandbox, fast: Settings
) -> None:
    world.world.faults.append(Fault("sens", "POST", "status:429"))

    (result,) = deliver_with(fast, [a_send(fast, 1)])

    assert result.outcome is Outcome.ACCEPTED
    assert len(world.world.messages) == 1


def test_an_unreachable_sens_leaves_the_messages_owed(world: Sandbox, settings: Settings) -> None:
    away = quick(settings, url="http://127.0.0.1:9")
    effects = [a_send(away, n) for n in range(PATIENCE + 3)]

    results = deliver_with(away, effects)

    assert outcomes(results) == ["failed"] * len(effects)
    assert ["not tried" in result.message for result in results] == [False] * PATIENCE + [True] * 3
    assert outcomes(deliver_with(quick(settings), effects)) == ["accepted"] * len(effects)


def test_a_sens_that_never_answers_puts_few_messages_in_doubt_and_holds_the_rest(
    world: Sandbox, settings: Settings
) -> None:
    fast = quick(settings, read_timeout=0.2)
    world.world.faults.append(Fault("sens", "POST", "timeout_after", times=None))

    results = deliver_with(fast, [a_send(fast, n) for n in range(PATIENCE + 3)])

    assert outcomes(results) == ["in_doubt"] * PATIENCE + ["failed"] * 3
    assert len(world.world.messages) == PATIENCE


def test_one_refused_message_does_not_stop_the_others(world: Sandbox, fast: Settings) -> None:
    bad = replace(a_send(fast, 2), sender="0319999999")

    results = deliver_with(fast, [a_send(fast, 1), bad, a_send(fast, 3)])

    assert outcomes(results) == ["accepted", "refused", "accepted"]
    assert bad.to not in results[1].message
    assert "1234" not in results[1].message


def test_an_expired_message_is_neither_claimed_nor_sent(world: Sandbox, fast: Settings) -> None:
    now = fast.make_clock().now()
    late = replace(a_send(fast, 1), expires=now)
    in_time = replace(a_send(fast, 2), expires=now + timedelta(minutes=5))

    results = deliver_with(fast, [late, in_time])

    assert outcomes(results) == ["skipped", "accepted"]
    assert "too late" in results[0].message
    assert received(world) == [in_time.to]


def test_a_message_that_expires_while_it_is_claimed_is_freed_and_not_sent(
    world: Sandbox, fast: Settings
) -> None:
    world.world.faults.append(Fault("aws", "UpdateItem", "latency:1.5"))
    expires = fast.make_clock().now() + timedelta(seconds=1)

    (result,) = deliver_with(fast, [replace(a_send(fast, 1), expires=expires)])

    assert result.outcome is Outcome.SKIPPED
    assert world.world.messages == []
    record = open_table(fast).records.read([key_of(1)])[key_of(1)]
    assert record.messages["guide"].state == "owed"


def test_nothing_is_sent_when_the_claim_cannot_be_written(world: Sandbox, fast: Settings) -> None:
    world.world.faults.append(Fault("aws", "UpdateItem", "status:400", times=None))

    results = deliver_with(fast, [a_send(fast, 1), a_send(fast, 2)])

    assert outcomes(results) == ["failed", "failed"]
    assert "throttled" in results[0].message
    assert world.world.messages == []


def test_a_claim_whose_answer_was_lost_is_recognised_and_sent_once(
    world: Sandbox, fast: Settings
) -> None:
    world.world.faults.append(Fault("aws", "UpdateItem", "drop_after"))

    (result,) = deliver_with(fast, [a_send(fast, 1)])

    assert result.outcome is Outcome.ACCEPTED
    assert result.writes == 3
    assert len(world.world.messages) == 1


def test_a_message_in_doubt_stays_so_in_a_run_that_is_asked_to_end(
    world: Sandbox, fast: Settings
) -> None:
    world.world.faults.append(Fault("sens", "POST", "drop_after"))
    (first,) = deliver_with(fast, [a_send(fast, 1)])
    stop = StopRequest()
    stop.ask("asked to end")

    (held,) = deliver_with(fast, [a_send(fast, 1)], run_id="later", stop=stop)

    assert (first.outcome, held.outcome) == (Outcome.IN_DOUBT, Outcome.IN_DOUBT)
    assert "asked to end" in held.message
    assert len(world.world.messages) == 1


def test_an_acceptance_whose_answer_was_lost_is_recognised(world: Sandbox, fast: Settings) -> None:
    world.world.faults.append(Fault("aws", "UpdateItem", "drop_after", after=2))

    (result,) = deliver_with(fast, [a_send(fast, 1)])

    assert result.outcome is Outcome.ACCEPTED
    assert open_table(fast).records.read([key_of(1)])[key_of(1)].remind_sms


def test_a_record_whose_answer_was_lost_is_recognised(world: Sandbox, fast: Settings) -> None:
    world.world.faults.append(Fault("aws", "PutItem", "drop_after"))

    (result,) = deliver_with(fast, [a_record(1)])

    assert (result.outcome, result.writes) == (Outcome.WRITTEN, 1)


@pytest.mark.parametrize("kind", ["truncate", "truncate_text"])
@pytest.mark.parametrize("after", [1, 2])  # at the claim, and when its end is written
def test_an_answer_that_broke_off_is_no_refusal_and_what_sens_took_is_told(
    kind: str, after: int, world: Sandbox, settings: Settings
) -> None:
    fast = quick(settings)
    world.world.faults.append(Fault("aws", "UpdateItem", kind, after=after, times=None))

    (result,) = deliver_with(fast, [a_send(fast, 1)])

    sent = world.world.messages
    assert len(sent) == after - 1
    if sent:
        assert result.request_id == sent[0]["requestId"]
        assert "the provider accepted it" in result.message
    assert "credentials" not in result.message
    assert result.outcome == ("in_doubt" if sent else "failed")


def test_an_acceptance_that_cannot_be_recorded_is_in_doubt_with_its_request_id(
    world: Sandbox, fast: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    world.world.faults.append(Fault("aws", "UpdateItem", "status:400", after=2, times=None))
    # caplog alone heard nothing in two fresh clones, and nobody found why.
    log, logger = BufferingHandler(100), logging.getLogger("naverplace.delivery.outcomes")

    with caplog.at_level(logging.INFO, logger=logger.name):
        logger.addHandler(log)
        (result,) = deliver_with(fast, [a_send(fast, 1)])
        logger.removeHandler(log)

    assert result.outcome is Outcome.IN_DOUBT
    assert result.request_id == world.world.messages[0]["requestId"]
    told = [(record.levelname, record.getMessage()) for record in log.buffer]
    assert [level for level, line in told if result.request_id in line] == ["ERROR"], told
    world.world.faults.clear()
    (again,) = deliver_with(fast, [a_send(fast, 1)], run_id="later")
    assert again.outcome is Outcome.IN_DOUBT
    assert len(world.world.messages) == 1


def test_a_booking_without_a_record_gets_nothing_when_the_record_cannot_be_written(
    world: Sandbox, fast: Settings
) -> None:
    world.world.faults.append(Fault("aws", "PutItem", "status:403"))

    results = deliver_with(fast, [a_record(1), a_send(fast, 1), a_record(2), a_send(fast, 2)])

    assert outcomes(results) == ["failed", "failed", "written", "accepted"]
    assert received(world) == [a_send(fast, 2).to]


def test_a_dynamodb_that_is_away_is_not_asked_for_every_booking(
    world: Sandbox, fast: Settings
) -> None:
    world.world.faults.append(Fault("aws", "UpdateItem", "status:403", times=None))
    world.world.faults.append(Fault("aws", "PutItem", "status:503", times=None))

    started = time.monotonic()
    results = deliver_with(fast, [a_record(n) for n in range(50)])

    assert outcomes(results) == ["failed"] * 50
    assert time.monotonic() - started < 20
    assert "not tried" in results[-1].message


def test_a_flag_is_set_in_a_record_and_nowhere_else(world: Sandbox, fast: Settings) -> None:
    effects: list[Effect] = [
        a_record(1),
        *(SetFlag(key_of(n), "rule", "option_sms", True) for n in (1, 2)),
    ]

    results = deliver_with(fast, effects)

    assert outcomes(results) == ["written", "written", "failed"]
    assert open_table(fast).records.read([key_of(1)])[key_of(1)].option_sms


def test_notices_of_one_rule_and_channel_go_out_as_one_message(
    world: Sandbox, fast: Settings
) -> None:
    first, second = a_notice(1), a_notice(2)

    results = deliver_with(fast, [first, a_send(fast, 1), second, a_notice(1, "slack")])

    assert outcomes(results) == ["accepted"] * 4
    assert [result.action for result in results] == [
        "send_telegram",
        "send_sms",
        "send_telegram",
        "send_slack",
    ]
    (told,) = world.world.telegram
    assert told["text"] == f"{first.text}\n{second.text}"
    assert len(world.world.slack) == 1


@pytest.mark.parametrize(
    ("fault", "outcome", "next_outcome", "arrived"),
    [
        ("status:429", "failed", "accepted", 1),
        ("status:403", "refused", "accepted", 1),
        ("drop_before", "in_doubt", "in_doubt", 0),
        ("drop_after", "in_doubt", "in_doubt", 1),
    ],
)
def test_a_notice_is_told_once_or_named(
    fault: str, outcome: str, next_outcome: str, arrived: int, world: Sandbox, fast: Settings
) -> None:
    times = fast.telegram.attempts if fault == "status:429" else 1
    world.world.faults.append(Fault("telegram", "", fault, times=times, value=0))
    effects = [a_notice(1), a_notice(2)]

    assert outcomes(deliver_with(fast, effects)) == [outcome] * 2
    assert outcomes(deliver_with(fast, effects, run_id="next")) == [next_outcome] * 2
    assert len(world.world.telegram) == arrived


def test_the_log_holds_no_phone_and_no_text(
    world: Sandbox, fast: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="naverplace")
    world.world.faults.append(Fault("sens", "POST", "drop_after", after=1))

    deliver_with(fast, [a_record(1), a_send(fast, 1), a_send(fast, 2)])

    lines = [r.getMessage() for r in caplog.records if r.name.startswith("naverplace")]
    assert len(lines) == 3
    for private in ("01000000001", "010-0000-0001", "김하나", "출입문", "1234#"):
        assert private not in "\n".join(lines)


def test_a_defect_of_ours_in_one_booking_does_not_stop_the_others(
    world: Sandbox, fast: Settings
) -> None:
    broken = replace(a_record(1), item={**item_of(1), "price": 1.5})  # DynamoDB takes no float

    results = deliver_with(fast, [broken, a_record(2), a_send(fast, 2)])

    assert outcomes(results) == ["failed", "written", "accepted"]
    assert results[0].message == "unexpected TypeError"


FAULTS = st.builds(
    lambda service, kind, after, times: Fault(
        service, "POST" if service == "sens" else "Item", kind, after=after, times=times
    ),
    service=st.sampled_from(["sens", "sens", "aws"]),
    kind=st.sampled_from(
        ["status:429", "status:503", "status:400", "drop_before", "drop_after", "truncate_text"]
    ),
    after=st.integers(0, 6),
    times=st.integers(1, 3),
)


@examples(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    first=st.lists(FAULTS, max_size=3),
    second=st.lists(FAULTS, max_size=3),
    aws_attempts=st.sampled_from([1, 1, 1, 2]),
)
def test_whatever_fails_nothing_is_sent_twice_and_nothing_is_lost_unnamed(
    first: list[Fault],
    second: list[Fault],
    aws_attempts: int,
    world: Sandbox,
    settings: Settings,
) -> None:
    fast = quick(settings, aws_attempts=aws_attempts)
    world.reset(None, now=world.world.now())
    sends = [a_send(fast, n, kind) for n in range(3) for kind in ("confirmation", "guide")]
    effects: list[Effect] = [*(a_record(n) for n in range(3)), *sends]

    for run, faults in enumerate((first, second, [])):
        world.world.faults[:] = faults
        results = deliver_with(fast, effects, run_id=f"run-{run}")
        assert [result.booking_num for result in results] == [e.key.booking_num for e in effects]

    arrived = [(message["to"], message["content"]) for message in world.world.messages]
    assert len(arrived) == len(set(arrived))
    for send, result in zip(sends, results[3:], strict=True):
        if result.success:
            assert (send.to, send.text) in arrived
        else:  # a run with a sound outside leaves unsent what is unclear, or was refused just now
            assert result.outcome in (Outcome.IN_DOUBT, Outcome.REFUSED)
            assert result.outcome is Outcome.IN_DOUBT or "again from" in result.message
