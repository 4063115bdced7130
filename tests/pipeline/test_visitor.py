"""A guide to a booking's visitor, by whole runs: sent, followed, and checked before it leaves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from naverplace.domain.results import Outcome
from naverplace.jobs.contact import show_contact
from naverplace.pipeline.explain import explain_booking
from sandbox.control_bookings import change_bookings
from sandbox.server import Sandbox
from tests.delivery_builders import STORE
from tests.pipeline.store_runs import Begun, Shop
from tests.rule_builders import switched_on

ROOT = Path(__file__).resolve().parents[2]
VISITOR, OTHER = "01000000777", "01000000778"


@pytest.fixture
def shop(
    world: Sandbox, world_env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Shop:
    """A shop whose guides go to the visitor, and whose bookings are old once they are read."""
    monkeypatch.chdir(ROOT)
    rules = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", rules)
    (rules / "fields.yaml").write_text(switched_on(), "utf-8")
    said = (rules / "reminders.yaml").read_text("utf-8")
    to_visitor = said.replace(
        "template: guide, per_store", "template: guide, to: visitor, per_store"
    )
    (rules / "reminders.yaml").write_text(to_visitor, "utf-8")
    env = {**world_env, "NAVERPLACE_RULES_DIR": str(rules)}
    return Shop(world, env, ledger_settings={"fresh_seconds": 0.0})


def bring(shop: Shop, begun: Begun, visitor: str) -> None:
    booking_id = int(begun.send("guide").key.booking_num.partition("_")[2])
    changes = {"hasVisitor": True, "visitorPhone": visitor}
    order = {"action": "change", "store": STORE, "booking_id": booking_id, "changes": changes}
    change_bookings(shop.world.world, order)


def test_the_visitor_gets_the_guide_once_and_the_ledger_knows_to_whom_it_went(shop: Shop) -> None:
    bring(shop, shop.begin(), VISITOR)
    begun = shop.begin()
    key = begun.send("guide").key

    assert begun.deliver()["guide"].outcome is Outcome.ACCEPTED
    shop.run()
    shop.run()

    assert [kind for kind, to in shop.sent_kinds(begun) if to == VISITOR] == ["guide"]
    entry = shop.table.records.read([key])[key].messages["guide"]
    assert (entry.to, VISITOR in repr(entry)) == (VISITOR, False)


def test_a_visitor_who_has_changed_since_gets_no_door_code(shop: Shop) -> None:
    bring(shop, shop.begin(), VISITOR)
    begun = shop.begin()
    bring(shop, begun, OTHER)

    result = begun.deliver()["guide"]

    assert (result.outcome, "phone has changed" in result.message) == (Outcome.SKIPPED, True)
    assert shop.begin().deliver()["guide"].outcome is Outcome.ACCEPTED
    assert [to for to, text in shop.received() if to in (VISITOR, OTHER)] == [OTHER]


def test_no_report_shows_the_visitors_phone(shop: Shop) -> None:
    bring(shop, shop.begin(), VISITOR)

    report = shop.run()

    assert VISITOR in {to for to, _ in shop.received()}
    assert VISITOR not in repr(report)


def test_whoever_calls_about_a_visitors_guide_is_shown_the_visitors_number(shop: Shop) -> None:
    bring(shop, shop.begin(), VISITOR)
    begun = shop.begin()
    begun.deliver()
    key = begun.send("guide").key

    shown = show_contact(shop.settings, key.booking_num, by="duty", reason="guide failed")

    assert shown.ledger_phones == (key.phone, "010-0000-0777")


def test_a_visitor_who_asks_is_found_by_his_own_number(shop: Shop) -> None:
    bring(shop, shop.begin(), VISITOR)
    begun = shop.begin()

    explained = explain_booking(shop.settings, "010-0000-0777")

    assert begun.send("guide").key.booking_num in "\n".join(explained.lines())
