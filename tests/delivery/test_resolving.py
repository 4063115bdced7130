"""What is in doubt, resolved to the moment: the outside is a value, and may meddle."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from naverplace.base.errors import OutcomeUnknown, Refused
from naverplace.delivery import deliver as deliver_module
from naverplace.delivery.deliver import InDoubtResolver, deliver
from naverplace.delivery.follow import SmsLogWindow
from naverplace.delivery.in_doubt import InDoubtMessage, in_doubt_messages
from naverplace.domain.effects import Effect, Notify, SendSms
from naverplace.domain.records import LedgerEntry
from naverplace.domain.results import ActionResult
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.store_state import PendingMessage
from naverplace.settings.sections import LedgerSettings
from tests.delivery_builders import STORE, item_of, key_of
from tests.values_outside import AWAY, NOON, SECOND, TICK, Outside, Waiting, a_send

SETTLE = 120 * SECOND
CERTAIN = (60 + 2 * 300) * SECOND + SETTLE  # after the claim of a process that has vanished
LOST = OutcomeUnknown("no answer")


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def waiting(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> Waiting:
    waits = Waiting(outside.clock)
    monkeypatch.setattr(deliver_module, "time", waits)
    return waits


def phone(number: int) -> str:
    return f"0100000{number % 10000:04}"


def content(number: int = 1, text: str = "text") -> str:
    return f"{phone(number)} 0310000000 subject {text}"


def note(outside: Outside, number: int = 1, **parts: Any) -> LedgerEntry:
    """Note in a booking's record how a run that died left its guide."""
    values: dict[str, Any] = {"state": "claimed", "token": f"dead-{number}", "execution_id": "dead"}
    values |= {"claimed_at": NOON - CERTAIN, "content_hash": content(number), **parts}
    entry = LedgerEntry(**values)
    item = {**item_of(number), "message_guide": entry.as_map()}
    outside.client.tables["sms"][tuple(key_of(number))] = item
    return entry


def entry_of(outside: Outside, number: int = 1) -> LedgerEntry:
    item = outside.client.tables["sms"][tuple(key_of(number))]
    return LedgerEntry.from_map(item["message_guide"])


def logged(
    request_id: str, number: int = 1, text: str = "text", at: datetime | None = NOON
) -> SmsLogEntry:
    to, of = phone(number), content(number, text)
    return SmsLogEntry(request_id, f"{request_id}-0", at, to=to, fingerprint=of)


def resolver(outside: Outside, recent: SmsLogWindow | None = None) -> InDoubtResolver:
    sens: Any = outside.sens
    settings = LedgerSettings(send_seconds=60, settle_seconds=SETTLE.total_seconds())
    return InDoubtResolver(outside.table, sens, outside.clock, settings, recent=recent)


def doubts(outside: Outside, *numbers: int) -> list[InDoubtMessage]:
    keys = [key_of(number) for number in numbers or (1,)]
    return in_doubt_messages(outside.table.records.read(keys).values())


def resolved(
    outside: Outside, *numbers: int, by: InDoubtResolver | None = None
) -> list[tuple[str, str]]:
    found = (by or resolver(outside)).resolve(doubts(outside, *numbers))
    return [(message.resolution.value, message.request_id) for message in found]


def asked(outside: Outside, what: str) -> list[Any]:
    return [question[-1] for question in outside.sens.asked if question[0] == what]


@pytest.mark.parametrize(
    ("early", "resolution"), [(-SECOND, "freed"), (timedelta(), "freed"), (TICK, "waiting")]
)
def test_what_is_not_in_the_log_is_freed_from_the_moment_at_which_it_is_certain(
    early: timedelta, resolution: str, outside: Outside
) -> None:
    note(outside, claimed_at=NOON - CERTAIN + early)

    (found,) = resolver(outside).resolve(doubts(outside))

    assert found.resolution == resolution
    words = {"freed": "not in SENS's log at 2025-10-22 12:00:00"}
    assert found.why == words.get(resolution, "SENS may still take it, until 12:00:00")
    assert entry_of(outside).state == ("owed" if resolution == "freed" else "claimed")


def test_a_doubt_of_which_nobody_knows_since_when_stays_one(outside: Outside) -> None:
    note(outside, claimed_at=None)

    (found,) = resolver(outside).resolve(doubts(outside))

    assert (found.resolution, found.why) == ("unclear", "the ledger does not say since when")


@pytest.mark.parametrize(
    ("at", "words"),
    [(NOON, "SENS accepted it at 2025-10-22 12:00:00"), (None, "SENS accepted it")],
)
def test_what_is_in_the_log_is_adopted_with_when_it_was_taken(
    at: datetime | None, words: str, outside: Outside
) -> None:
    note(outside)
    outside.sens.log = [logged("r1", at=at)]

    (found,) = resolver(outside).resolve(doubts(outside))

    assert (found.resolution, found.why, found.request_id) == ("adopted", words, "r1")
    assert entry_of(outside).request_id == "r1"


@pytest.mark.parametrize("sent", [False, True])
def test_what_another_run_resolved_meanwhile_is_left_to_it(sent: bool, outside: Outside) -> None:
    note(outside)
    outside.sens.log = [logged("r1")] * sent
    outside.client.once(lambda: note(outside, state="owed", token="theirs"))

    (found,) = resolver(outside).resolve(doubts(outside))

    assert (found.resolution, found.why) == ("elsewhere", "its ledger has moved on meanwhile")
    assert entry_of(outside).token == "theirs"


def test_of_two_with_one_text_the_older_gets_what_the_log_has_and_each_answer_has_its_place(
    outside: Outside,
) -> None:
    note(outside, 1, claimed_at=NOON - CERTAIN)
    note(outside, 10001, claimed_at=NOON - CERTAIN - SECOND, content_hash=content(1))
    outside.sens.log = [logged("r1"), logged("r2", text="else")]
    by = resolver(outside)
    by.add_known_requests([])
    by._faithful = True

    assert resolved(outside, 1, 10001, by=by) == [("freed", ""), ("adopted", "r1")]
    assert asked(outside, "get") == ["r1-0", "r2-0"]


@pytest.mark.parametrize("final", [False, True])
def test_a_doubt_that_stays_one_is_a_warning(
    final: bool, outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    note(outside, claimed_at=NOON - CERTAIN + (timedelta() if final else SECOND))

    with caplog.at_level(logging.INFO, logger="naverplace.delivery.deliver"):
        resolver(outside).resolve(doubts(outside))

    assert [record.levelname for record in caplog.records] == ["INFO" if final else "WARNING"]


@pytest.mark.parametrize(
    ("to", "key_phone", "looked_at"),
    [
        ("", "010-0000-0001", "01000000001"),
        ("01000000777", "010-0000-0001", "01000000777"),
        ("", "12", None),
    ],
)
def test_the_log_is_asked_for_whom_it_went_to(
    to: str, key_phone: str, looked_at: str | None, outside: Outside
) -> None:
    note(outside, to=to)
    tables = outside.client.tables["sms"]
    key = key_of(1)._replace(phone=key_phone)
    tables[tuple(key)] = {**tables.pop(tuple(key_of(1))), "phone": key_phone}
    (message,) = in_doubt_messages(outside.table.records.read([key]).values())

    resolver(outside).resolve([message])

    assert asked(outside, "find") == [looked_at]


@pytest.mark.parametrize("number", [1, 3])
def test_what_is_known_as_another_messages_is_not_even_opened(
    number: int, outside: Outside
) -> None:
    note(outside, 2)
    outside.sens.log = [logged("theirs", 2), logged("ours", 2)]
    by = resolver(outside)
    by.known["theirs"] = PendingMessage(key_of(number), "guide")
    by.known["ours"] = PendingMessage(key_of(2), "guide")

    assert resolved(outside, 2, by=by) == [("adopted", "ours")]
    assert asked(outside, "get") == ["ours-0"]


def test_a_message_whose_content_the_log_has_lost_frees_nothing(outside: Outside) -> None:
    note(outside)
    outside.sens.log = [logged("r1", text="lost")]
    outside.sens.keeps_contents = False

    assert resolved(outside) == [("unclear", "")]


@pytest.mark.parametrize(
    ("repeated", "resolution"),
    [
        (["text"] * 5, "freed"),
        (["else", "else", "text", "text", "text"], "freed"),
        (["text", "text", "else", "text", "text"], "unclear"),
        (["text", "text", "text", "text", "a"], "unclear"),
        (["text", "text", "text", "text", "z"], "unclear"),
        ([], "unclear"),
    ],
)
def test_a_stranger_frees_nothing_unless_the_log_repeats_our_last_three_word_by_word(
    repeated: list[str], resolution: str, outside: Outside
) -> None:
    note(outside)
    numbers = range(11, 16)
    for number in numbers:
        note(outside, number, state="accepted", request_id=f"r{number}")
    note(outside, 16, state="accepted", request_id="legacys", content_hash="")
    note(outside, 17, state="owed", content_hash="of nobody")
    known = outside.table.records.read(key_of(n) for n in (*numbers, 16, 17))
    outside.sens.log = [logged("strange", 1, "else")]
    outside.sens.log += [
        logged(f"r{n}", n, text) for n, text in zip(numbers, repeated, strict=False)
    ]
    by = resolver(outside)
    by.add_known_requests(known[key_of(n)] for n in (*numbers, 16, 17))

    assert resolved(outside, by=by) == [(resolution, "")]
    assert asked(outside, "find_request") == ["r13", "r14", "r15"]
    note(outside)
    assert resolved(outside, by=by) == [(resolution, "")]
    assert len(asked(outside, "find_request")) == 3
    assert asked(outside, "get").count("strange-0") == 1


@pytest.mark.parametrize("log", [[], [logged("r9", 2)]])
def test_without_a_stranger_nobody_asks_whether_the_log_is_faithful(
    log: list[SmsLogEntry], outside: Outside
) -> None:
    note(outside)
    outside.sens.log = log

    assert resolved(outside) == [("freed", "")]
    assert asked(outside, "find_request") == []


STARTED = NOON - 2 * CERTAIN  # the claim; SENS's clock may be five minutes behind
MINUTES = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("start", "read_at", "used"),
    [
        (timedelta(), CERTAIN, True),
        (-SECOND, CERTAIN, True),
        (SECOND, CERTAIN, False),
        (timedelta(), CERTAIN + SECOND, True),
        (timedelta(), CERTAIN - TICK, False),
    ],
)
def test_what_the_run_has_read_of_the_log_is_used_when_it_is_of_the_right_time(
    start: timedelta, read_at: timedelta, used: bool, outside: Outside
) -> None:
    note(outside, claimed_at=STARTED)
    entries = [logged("else", 2, "text"), logged("ours")]
    recent = SmsLogWindow(STARTED - MINUTES + start, STARTED + read_at, entries)

    found = resolved(outside, by=resolver(outside, recent))

    assert found == ([("adopted", "ours")] if used else [("freed", "")])
    assert bool(asked(outside, "find")) is not used


def test_what_the_run_has_read_tells_the_moment_of_its_reading(outside: Outside) -> None:
    note(outside, claimed_at=STARTED)
    recent = SmsLogWindow(STARTED - MINUTES, NOON - timedelta(minutes=1), [logged("else", 2)])

    (found,) = resolver(outside, recent).resolve(doubts(outside))

    assert found.why == "not in SENS's log at 2025-10-22 11:59:00"


def test_a_doubt_without_a_moment_is_looked_up_in_the_log_itself(outside: Outside) -> None:
    note(outside, claimed_at=None)
    recent = SmsLogWindow(NOON - timedelta(days=9), NOON, [])

    resolved(outside, by=resolver(outside, recent))

    assert len(asked(outside, "find")) == 1


@pytest.mark.parametrize(
    ("seconds", "waits"),
    [
        ([121], [121.01]),
        ([121.000001], []),
        ([3], [3.01]),
        ([0], [0.01]),
        ([-500], [0.01]),
        ([3, 50, 200], [50.01]),
        ([3, None], [3.01]),
        ([None], []),
        ([], []),
    ],
)
def test_what_will_be_certain_soon_is_waited_for_and_nothing_else(
    seconds: list[float | None], waits: list[float], outside: Outside, waiting: Waiting
) -> None:
    for number, ahead in enumerate(seconds):
        claimed = None if ahead is None else NOON - CERTAIN + timedelta(seconds=ahead)
        note(outside, number + 1, claimed_at=claimed)
    messages = doubts(outside, *range(1, len(seconds) + 1))

    assert resolver(outside).wait_for(messages, at_most=121.0) is bool(waits)
    assert waiting.waits == waits


def delivered(outside: Outside, *effects: Effect, **options: Any) -> list[ActionResult]:
    settings = LedgerSettings(send_seconds=60, settle_seconds=SETTLE.total_seconds())
    executor = outside.executor(ledger=settings, **options)
    return deliver(effects, executor, resolver(outside))


def test_each_effect_has_its_result_in_its_place_and_notices_come_last(outside: Outside) -> None:
    def a_notice(number: int) -> Notify:
        return Notify(key_of(number), "r", "roster", "telegram", STORE, "line", item_of(number))

    effects: list[SendSms | Notify] = [a_notice(1), a_send(1), a_notice(2), a_send(2)]

    found = delivered(outside, *effects)

    assert [(r.action, r.booking_num) for r in found] == [
        ("send_telegram" if isinstance(effect, Notify) else "send_sms", effect.key.booking_num)
        for effect in effects
    ]
    assert {r.outcome.value for r in found} == {"accepted"}
    assert outside.channel.told == ["line\nline"]


def keep(outside: Outside, request_id: str = "r1", number: int = 1) -> Callable[[], None]:
    """Accept a message, and say nothing."""

    def answer() -> None:
        outside.sens.log.append(logged(request_id, number))
        raise LOST

    return answer


def test_what_the_log_shows_after_a_lost_answer_is_adopted_and_not_waited_for(
    outside: Outside, waiting: Waiting
) -> None:
    outside.sens.answers = [keep(outside)]

    (found,) = delivered(outside, a_send())

    assert (found.outcome, found.settled, found.request_id) == ("adopted", "adopted", "r1")
    assert found.message == "SENS accepted it at 2025-10-22 12:00:00"
    assert (found.writes, len(outside.sens.sent), waiting.waits) == (4, 1, [])


def test_what_never_arrived_is_waited_for_and_sent_again(
    outside: Outside, waiting: Waiting
) -> None:
    outside.sens.answers = [LOST]

    (found,) = delivered(outside, a_send())

    assert (found.outcome, found.settled, found.writes) == ("accepted", "freed", 6)
    assert found.message == "sent again (not in SENS's log at 2025-10-22 12:02:00)"
    assert (len(outside.sens.sent), waiting.waits) == (2, [120.01])


def test_what_fails_when_it_is_sent_again_was_freed_all_the_same(
    outside: Outside, waiting: Waiting
) -> None:
    outside.sens.answers = [LOST, AWAY]

    (found,) = delivered(outside, a_send())

    assert (found.outcome, found.settled, found.writes) == ("failed", "freed", 6)
    assert found.message.startswith("it cannot be reached (not in SENS's log at ")
    assert waiting.waits == [120.01]


@pytest.mark.parametrize(("ahead", "waits"), [(121.0, [121.01]), (121.5, [])])
def test_a_dead_runs_message_is_waited_for_a_second_longer_than_the_settle_time(
    ahead: float, waits: list[float], outside: Outside, waiting: Waiting
) -> None:
    note(outside, claimed_at=NOON - CERTAIN + timedelta(seconds=ahead))

    (found,) = delivered(outside, a_send())

    assert waiting.waits == waits
    if waits:
        assert (found.outcome, found.settled, found.writes) == ("accepted", "freed", 3)
    else:
        assert (found.outcome, found.settled) == ("in_doubt", "waiting")
        assert "claimed by run dead" in found.message
        assert found.message.endswith("; SENS may still take it, until 12:02:01")


RESEND = "".join(["re", "send"])  # another object than the code's own word, as from YAML
SOON = NOON + timedelta(minutes=25) - TICK


@pytest.mark.parametrize(
    ("in_doubt", "expires", "ahead", "resent"),
    [
        (RESEND, SOON, timedelta(), True),
        (RESEND, NOON + timedelta(minutes=1), -SECOND, True),
        (RESEND, SOON + TICK, timedelta(), False),
        (RESEND, SOON + SECOND, timedelta(), False),
        (RESEND, None, timedelta(), False),
        (RESEND, SOON, timedelta(hours=1), False),
        (RESEND, SOON, None, False),
        ("wait", SOON, timedelta(), False),
        ("wait", None, timedelta(), False),
    ],
)
def test_while_the_log_is_unreadable_only_a_rules_choice_near_the_deadline_risks_a_second(
    in_doubt: str,
    expires: datetime | None,
    ahead: timedelta | None,
    resent: bool,
    outside: Outside,
    waiting: Waiting,
) -> None:
    note(outside, claimed_at=None if ahead is None else NOON - CERTAIN - SECOND + ahead)
    outside.clock.go(-1)
    outside.sens.unreadable = AWAY
    waiting.meanwhile = lambda: outside.clock.go(0.99)

    (found,) = delivered(outside, a_send(in_doubt=in_doubt, expires=expires and expires - SECOND))

    if resent:
        assert (found.outcome, found.settled, found.writes) == ("accepted", "freed", 3)
        assert found.message == "sent again (sent again by the rule's choice)"
    else:
        assert (found.outcome, found.settled) == ("in_doubt", "unreadable")
        assert found.message.endswith("; it cannot be reached")
        assert (outside.sens.sent, waiting.waits) == ([], [])


def test_what_cannot_be_freed_for_the_rules_choice_stays_in_doubt(
    outside: Outside, waiting: Waiting
) -> None:
    note(outside)
    outside.sens.unreadable = AWAY
    outside.client.once(lambda: note(outside, token="theirs"), at=2)

    (found,) = delivered(outside, a_send(in_doubt="resend", expires=NOON + SECOND * 60))

    assert (found.outcome, outside.sens.sent) == ("in_doubt", [])
    assert waiting.waits == [0.01]


@pytest.mark.parametrize("in_doubt", ["wait", "resend"])
def test_what_is_unclear_is_neither_risked_nor_waited_for(
    in_doubt: str, outside: Outside, waiting: Waiting
) -> None:
    note(outside)
    outside.sens.log = [logged("strange", 1, "else")]

    (found,) = delivered(outside, a_send(in_doubt=in_doubt, expires=NOON + SECOND))

    assert (found.outcome, found.settled) == ("in_doubt", "unclear")
    assert (outside.sens.sent, waiting.waits) == ([], [])


def test_what_may_still_be_taken_is_not_risked_whatever_the_rule_says(
    outside: Outside, waiting: Waiting
) -> None:
    note(outside, claimed_at=NOON - CERTAIN + timedelta(hours=1))

    (found,) = delivered(outside, a_send(in_doubt="resend", expires=NOON + SECOND))

    assert (found.outcome, found.settled) == ("in_doubt", "waiting")
    assert (outside.sens.sent, waiting.waits) == ([], [])


def test_a_log_that_can_be_read_is_never_overruled_however_long_the_others_take(
    outside: Outside, waiting: Waiting
) -> None:
    note(outside, 1, claimed_at=NOON - CERTAIN + timedelta(seconds=121.5))
    outside.sens.answers = [LOST, lambda: outside.clock.go(10)]
    risky = a_send(in_doubt="resend", expires=NOON + timedelta(minutes=5))

    first, second = delivered(outside, a_send(2), risky)

    assert (first.outcome, first.settled) == ("accepted", "freed")
    assert (second.outcome, second.settled) == ("in_doubt", "waiting")
    assert (len(outside.sens.sent), waiting.waits) == (2, [120.01])


@pytest.mark.parametrize(
    ("state", "answers", "outcome", "message", "settled", "writes"),
    [
        ("owed", [], "accepted", "", "", 2),
        ("accepted", [], "skipped", "the provider has accepted it already", "", 0),
        (
            "owed",
            [AWAY],
            "in_doubt",
            "not settled: not sent again; its ledger has moved on meanwhile; it cannot be reached",
            "elsewhere",
            0,
        ),
    ],
)
def test_what_others_settled_before_it_is_read_is_claimed_anew(
    state: str,
    answers: Sequence[Exception],
    outcome: str,
    message: str,
    settled: str,
    writes: int,
    outside: Outside,
) -> None:
    note(outside)

    def meddle() -> None:
        note(outside, state=state, token="theirs", request_id="r9" * (state == "accepted"))

    outside.sens.answers = [meddle, *answers]

    found, other = delivered(outside, a_send(), a_send(2))

    assert (found.outcome, found.settled, found.writes) == (outcome, settled, writes)
    assert found.message.endswith(message) if answers else found.message == message
    assert other.outcome == "accepted"


@pytest.mark.parametrize("answer", [None, AWAY])
def test_what_others_settled_while_it_was_looked_up_is_claimed_anew_and_says_so(
    answer: Exception | None, outside: Outside
) -> None:
    note(outside)
    outside.client.once(lambda: note(outside, state="owed", token="theirs"), at=2)
    outside.sens.answers = [answer] if answer else []

    (found,) = delivered(outside, a_send())

    if answer:
        assert (found.outcome, found.settled) == ("in_doubt", "elsewhere")
        assert found.message.endswith("its ledger has moved on meanwhile; it cannot be reached")
    else:
        assert (found.outcome, found.settled, found.writes) == ("accepted", "", 2)
        assert found.message == "sent again (its ledger has moved on meanwhile)"


def test_what_this_very_delivery_has_sent_is_not_taken_for_the_one_in_doubt(
    outside: Outside, waiting: Waiting
) -> None:
    outside.sens.answers = [lambda: outside.sens.log.append(logged("r1")), LOST]
    twin: SendSms = replace(a_send(10001), to=phone(1))

    first, second = delivered(outside, a_send(), twin)

    assert (first.outcome, first.request_id, first.settled) == ("accepted", "r1", "")
    assert (second.outcome, second.request_id, second.settled) == ("accepted", "r3", "freed")
    assert len(outside.sens.sent) == 3


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(Refused("text", code="400"), "refused"), (AWAY, "failed"), (None, "accepted")],
)
def test_what_is_certain_is_left_as_it_is_beside_what_is_in_doubt(
    answer: Exception | None, outcome: str, outside: Outside, waiting: Waiting
) -> None:
    outside.sens.answers = [answer or (lambda: None), LOST]

    first, second = delivered(outside, a_send(), a_send(2))

    assert (first.outcome, first.settled) == (outcome, "")
    assert first.message == (str(answer) if answer else "")
    assert second.settled == "freed"
    assert len(outside.sens.sent) == 3
    assert waiting.waits == [120.01]


def test_when_the_ledger_cannot_be_read_all_stay_in_doubt_and_say_why(outside: Outside) -> None:
    def away() -> None:
        outside.client.unreadable = AWAY

    outside.sens.answers = [LOST, away]

    first, second = delivered(outside, a_send(), a_send(2))

    assert (first.outcome, first.settled) == ("in_doubt", "unreadable")
    assert first.message.endswith("; it cannot be reached")
    assert (second.outcome, second.settled) == ("accepted", "")
