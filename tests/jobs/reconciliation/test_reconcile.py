"""The reconciliation against the sandbox: real runs, then something planted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from naverplace.base.translation import use_language
from naverplace.cli.app import app
from naverplace.jobs.reconciliation.findings import Finding, Reconciliation
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.reconciliation_builders import DAY, Shop


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str]) -> Shop:
    """A shop whose run has sent two messages, an hour ago."""
    shop = Shop(world, world_env)
    shop.run()
    return shop.later()


def only(done: Reconciliation) -> Finding:
    (finding,) = done.findings
    return finding


def test_after_a_run_every_message_has_its_one_partner(shop: Shop) -> None:
    done = shop.reconcile()

    sent = len(shop.world.messages())
    assert sent == 2
    assert (done.status, done.ledger, done.log) == ("success", sent, sent)
    assert (done.findings, done.problems) == ((), ())
    assert done.messages == {"matched": sent}


def test_nobody_is_told_when_all_is_well(shop: Shop) -> None:
    before = len(shop.world.world.telegram)

    shop.reconcile()

    assert len(shop.world.world.telegram) == before


def test_accepted_messages_are_followed_to_delivered(shop: Shop) -> None:
    flags = [(i["booking_num"], i["remind_sms"], i["confirm_sms"]) for i in shop.world.sms_items()]

    done = shop.reconcile()

    messages = {m["requestId"]: m["messageId"] for m in shop.world.messages()}
    assert done.delivered == len(messages)
    assert {r: entry["message_id"] for r, entry in shop.ledger().items()} == messages
    assert {entry["state"] for entry in shop.ledger().values()} == {"delivered"}
    after = [(i["booking_num"], i["remind_sms"], i["confirm_sms"]) for i in shop.world.sms_items()]
    assert after == flags


def test_a_duplicate_is_named_with_both_requests_and_the_owner_is_told(shop: Shop) -> None:
    message = shop.world.messages()[0]
    second = shop.send_again(message)

    done = shop.later().reconcile()

    finding = only(done)
    assert (done.status, finding.what) == ("failed", "duplicate")
    assert (finding.request_id, finding.counted_as) == (second, message["requestId"])
    assert finding.booking
    told = shop.world.world.telegram[-1]["text"]
    assert "두 번" in told
    assert finding.booking.partition("_")[2] in told


def test_no_finding_holds_a_phone_or_a_text(shop: Shop) -> None:
    for message in shop.world.messages():
        shop.send_again(message)
    shop.world.world.messages.pop(0)

    done = shop.later().reconcile()

    text = json.dumps(done.as_json(), ensure_ascii=False) + shop.world.world.telegram[-1]["text"]
    for message in shop.world.messages():
        assert message["to"] not in text.replace("-", "")
        assert message["content"][:12] not in text


def test_a_message_that_sens_does_not_know_is_missing(shop: Shop) -> None:
    lost = shop.world.world.messages.pop(0)

    done = shop.reconcile()

    finding = only(done)
    assert (done.status, finding.what, finding.request_id) == (
        "failed",
        "missing",
        lost["requestId"],
    )
    assert shop.ledger()[lost["requestId"]]["state"] == "accepted"


def test_a_message_to_a_stranger_is_foreign(shop: Shop) -> None:
    shop.send(to="01000007777", text="다른 사람이 보낸 문자")

    done = shop.later().reconcile()

    assert (done.status, only(done).what, only(done).booking) == ("failed", "foreign", "")


def test_a_known_sender_may_use_the_account(shop: Shop) -> None:
    shop.env["NAVERPLACE_RECONCILE__KNOWN_SENDERS"] = "031-000-0009"
    shop.send(to="01000007777", text="다른 사람이 보낸 문자", sender="0310000009")

    done = shop.later().reconcile()

    assert (done.status, done.messages) == ("success", {"matched": 2, "tolerated": 1})


def test_another_text_to_a_customer_is_foreign_and_names_the_booking(shop: Shop) -> None:
    message = shop.world.messages()[0]
    shop.send(to=message["to"], text="콘솔에서 직접 보낸 문자")

    finding = only(shop.later().reconcile())

    assert finding.what == "foreign"
    assert finding.booking


def test_contents_are_asked_for_only_where_they_decide(shop: Shop) -> None:
    shop.send_again(shop.world.messages()[0])
    shop.send(to="01000007777", text="다른 사람이 보낸 문자")
    shop.later()
    shop.world.world.requests.clear()

    shop.reconcile()

    asked = [seen.path for seen in shop.world.world.requests if seen.service == "sens"]
    assert len([path for path in asked if not path.endswith("/messages")]) == 1


@pytest.mark.parametrize("runs", [True, False])
def test_the_legacys_message_is_its_own_while_it_runs(shop: Shop, runs: bool) -> None:
    shop.env["NAVERPLACE_RECONCILE__LEGACY_SENDS"] = str(runs).lower()
    item = next(i for i in shop.world.sms_items() if i["confirm_sms"] and len(i) < 9)
    shop.send(to=item["phone"].replace("-", ""), text="예전 람다가 보낸 문자")

    done = shop.later().reconcile()

    assert done.status == ("success" if runs else "failed")
    assert done.messages == {"matched": 2, "legacy" if runs else "foreign": 1}


def test_a_sent_message_that_the_ledger_calls_owed_is_named(shop: Shop) -> None:
    message = shop.world.messages()[0]
    shop.change_ledger(message["requestId"], state="owed", request_id=None)

    done = shop.reconcile()

    assert (done.status, only(done).what) == ("failed", "unrecorded")


def test_a_message_in_doubt_is_neither_foreign_nor_forgotten(shop: Shop) -> None:
    message = shop.world.messages()[0]
    shop.change_ledger(message["requestId"], state="in_doubt", request_id=None)

    done = shop.reconcile()

    assert (done.status, only(done).what, done.found) == ("success", "in_doubt", True)
    assert shop.watermark()["until"] < done.until


def test_a_number_that_cannot_be_reached_fails_keeps_its_flag_and_is_told_once(
    shop: Shop,
) -> None:
    message = shop.world.world.messages[0]
    message["failure"] = ("3002", "단말기 전원 꺼짐")
    flags = [(i["booking_num"], i["remind_sms"], i["confirm_sms"]) for i in shop.world.sms_items()]

    done = shop.reconcile()
    again = shop.later(DAY).reconcile()

    entry = shop.ledger()[message["requestId"]]
    assert (entry["state"], entry["provider_status"]) == ("failed", "3002 단말기 전원 꺼짐")
    assert flags == [
        (i["booking_num"], i["remind_sms"], i["confirm_sms"]) for i in shop.world.sms_items()
    ]
    assert (done.status, only(done).what, done.failed) == ("success", "undelivered", 1)
    assert "전화해 주세요" in shop.world.world.telegram[-1]["text"]
    assert (again.found, only(again).new) == (False, False)
    assert sum("전화해" in sent["text"] for sent in shop.world.world.telegram) == 1


def test_a_message_without_a_result_is_followed_three_days_and_then_named_once(
    shop: Shop,
) -> None:
    shop.world.world.messages[0]["to"] = "01000009999"  # never done
    request_id = shop.world.world.messages[0]["requestId"]
    item = next(
        i
        for i in shop.world.sms_items()
        for v in i.values()
        if isinstance(v, dict) and v.get("request_id") == request_id
    )
    shop.world._aws.delete("sms", {"booking_num": item["booking_num"], "phone": item["phone"]})
    shop.world.put_sms_item({**item, "phone": "010-0000-9999"})

    found = []
    for _ in range(6):
        found.append([f.what for f in shop.reconcile().news])
        shop.later(DAY)

    assert [what for day in found for what in day] == ["never_finished"]
    assert found[:3] == [[], [], []]


def test_what_was_named_is_not_named_again(shop: Shop) -> None:
    shop.send_again(shop.world.messages()[0])

    first = shop.later().reconcile()
    second = shop.later(600).reconcile()

    assert (first.status, second.status) == ("failed", "success")
    assert [finding.new for finding in second.findings] == [False]


def test_the_next_one_goes_on_where_the_last_one_ended(shop: Shop) -> None:
    first = shop.reconcile()
    foreign = shop.send(to="01000007777", text="다른 사람이 보낸 문자")
    second = shop.later(2 * DAY).reconcile()

    assert second.since < first.until < second.until
    assert only(second).request_id == foreign


def test_a_message_that_the_log_does_not_show_yet_is_too_young(
    world: Sandbox, world_env: dict[str, str]
) -> None:
    world.world.sens.list_lag_seconds = 300
    shop = Shop(world, {**world_env, "NAVERPLACE_LEDGER__SETTLE_SECONDS": "300"})
    shop.run()

    young, known = shop.reconcile(), shop.later(1200).reconcile()

    assert (young.status, young.entries, young.ledger) == ("success", {"too_young": 2}, 0)
    assert (known.status, known.entries, known.ledger) == ("success", {"matched": 2}, 2)


def test_a_log_that_lags_more_than_expected_is_made_up_for_by_the_overlap(shop: Shop) -> None:
    shop.reconcile()
    foreign = shop.send(to="01000007777", text="다른 사람이 보낸 문자")
    shop.world.world.sens.list_lag_seconds = 7200
    unseen = shop.later().reconcile()
    seen = shop.later(2 * 3600).reconcile()

    assert unseen.findings == ()
    assert only(seen).request_id == foreign


def test_a_first_one_that_fails_leaves_its_day_to_the_next(shop: Shop) -> None:
    shop.send_again(shop.world.messages()[0])
    shop.later()
    shop.world.world.faults.append(Fault("sens", match="GET", kind="status:503", times=None))
    unread = shop.reconcile()
    shop.world.world.faults.clear()

    assert unread.findings == ()
    assert only(shop.later(3 * DAY).reconcile()).what == "duplicate"


@pytest.mark.parametrize(
    ("service", "match"), [("sens", "GET"), ("aws", ".Scan"), ("aws", ".GetItem")]
)
def test_what_cannot_be_read_fails_is_told_and_leaves_the_watermark(
    shop: Shop, service: str, match: str
) -> None:
    shop.reconcile()
    before = shop.watermark()
    shop.later(DAY)
    shop.world.world.faults.append(Fault(service, match=match, kind="status:503", times=None))

    done = shop.reconcile()

    assert (done.status, done.complete) == ("failed", False)
    assert "대조하지 못했습니다" in shop.world.world.telegram[-1]["text"]
    shop.world.world.faults.clear()
    assert shop.watermark() == before


def test_findings_are_told_even_when_following_breaks_off(shop: Shop) -> None:
    shop.send_again(shop.world.messages()[0])
    shop.later()
    shop.world.world.faults.append(Fault("aws", match=".Update", kind="status:500", times=None))

    done = shop.reconcile()
    shop.world.world.faults.clear()

    assert only(done).what == "duplicate"
    assert "not all accepted messages were followed" in done.problems[0]
    assert shop.reconcile().news == done.news


def test_an_owner_who_could_not_be_told_is_told_the_next_time(shop: Shop) -> None:
    shop.send_again(shop.world.messages()[0])
    shop.later()
    shop.world.world.faults.append(Fault("telegram", kind="status:500", times=None))
    untold = shop.reconcile()
    shop.world.world.faults.clear()

    told = shop.reconcile()

    assert "did not reach telegram" in untold.problems[-1]
    assert only(told).new
    assert "두 번" in shop.world.world.telegram[-1]["text"]


def test_an_empty_log_beside_a_full_ledger_fails_and_is_compared_again(shop: Shop) -> None:
    kept = list(shop.world.world.messages)
    shop.world.world.messages.clear()

    hollow = shop.reconcile()
    shop.world.world.messages.extend(kept)
    whole = shop.later(DAY).reconcile()

    assert "none of more than none" in hollow.problems[0]
    assert (hollow.status, whole.status) == ("failed", "success")
    assert whole.ledger == 2


def test_an_empty_ledger_beside_a_full_log_fails(shop: Shop) -> None:
    for item in shop.world.sms_items():
        shop.world._aws.delete("sms", {"booking_num": item["booking_num"], "phone": item["phone"]})

    done = shop.reconcile()

    assert done.status == "failed"
    assert "the ledger counts none" in done.problems[0]


def test_a_table_that_was_emptied_fails_even_in_a_quiet_time(shop: Shop) -> None:
    shop.reconcile()
    for item in shop.world.sms_items():
        shop.world._aws.delete("sms", {"booking_num": item["booking_num"], "phone": item["phone"]})

    done = shop.later(5 * DAY).reconcile()

    assert done.status == "failed"
    assert any("is it the right table" in problem for problem in done.problems)


def test_nothing_on_both_sides_is_no_failure(world: Sandbox, world_env: dict[str, str]) -> None:
    done = Shop(world, world_env).reconcile()

    assert (done.status, done.ledger, done.log) == ("success", 0, 0)


def test_a_pause_longer_than_sens_remembers_is_said_once(shop: Shop) -> None:
    shop.reconcile()

    late, next_one = shop.later(100 * DAY).reconcile(), shop.later(DAY).reconcile()

    assert "cannot be compared any more" in late.problems[0]
    assert (late.status, next_one.status) == ("failed", "success")


def test_windows_of_more_than_thirty_days_are_read_in_pieces(shop: Shop) -> None:
    shop.reconcile()
    foreign = shop.send(to="01000007777", text="다른 사람이 보낸 문자")

    assert only(shop.later(70 * DAY).reconcile()).request_id == foreign


def test_a_log_of_several_pages_is_read_to_its_end(shop: Shop) -> None:
    sent = [shop.send(to=f"0100001{n:04}", text=f"다른 문자 {n}") for n in range(205)]

    done = shop.later().reconcile()

    assert Counter(f.what for f in done.findings) == {"foreign": len(sent)}
    assert "외 190건" in shop.world.world.telegram[-1]["text"]


def test_broken_rules_keep_no_finding_back(shop: Shop, tmp_path: object) -> None:
    shop.env["NAVERPLACE_RULES_DIR"] = str(tmp_path)
    shop.send_again(shop.world.messages()[0])

    assert only(shop.later().reconcile()).what == "duplicate"
    assert "두 번" in shop.world.world.telegram[-1]["text"]


def test_the_command_ends_with_one_when_something_is_found(shop: Shop) -> None:
    shop.send_again(shop.world.messages()[0])
    shop.later()
    env = {**shop.env, **shop.world.environment()}

    found = CliRunner().invoke(app, ["reconcile", "--json"], env=env)
    again = CliRunner().invoke(app, ["reconcile"], env=env)
    since = (shop.world.world.now() - timedelta(days=1)).isoformat()
    once_more = CliRunner().invoke(app, ["reconcile", "--since", since], env=env)

    assert (found.exit_code, again.exit_code, once_more.exit_code) == (1, 0, 1)
    assert json.loads(found.stdout)["findings"][0]["what"] == "duplicate"
    assert "1 named before" in again.stdout
    assert "1 new" in once_more.stdout


@pytest.fixture
def english_again() -> Iterator[None]:
    yield
    use_language("en")


@pytest.mark.usefixtures("english_again")
def test_the_owner_reads_in_korean_what_did_not_match(shop: Shop) -> None:
    shop.send_again(shop.world.messages()[0])
    shop.later()

    env = {**shop.env, **shop.world.environment(), "NAVERPLACE_LANGUAGE": "ko"}

    found = CliRunner().invoke(app, ["reconcile"], env=env)

    assert "1 × 두 번 나감" in found.stdout
    assert "새로 찾은 것 1건, 전에 알린 것 0건" in found.stdout
    assert "휴대폰" not in found.stdout


def test_looking_once_more_tells_nobody_and_moves_no_watermark(shop: Shop) -> None:
    shop.send_again(shop.world.messages()[0])
    shop.later()
    told = len(shop.world.world.telegram)

    done = shop.reconcile(since=shop.world.world.now() - timedelta(days=2))

    assert only(done).new
    assert (len(shop.world.world.telegram), shop.watermark()) == (told, {})


def test_a_since_that_is_no_time_is_refused(world_env: dict[str, str]) -> None:
    result = CliRunner().invoke(app, ["reconcile", "--since", "yesterday"], env=world_env)

    assert result.exit_code == 2
