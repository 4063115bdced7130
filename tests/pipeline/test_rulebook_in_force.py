"""Wrong files leave the last good rulebook in force: real runs, in the sandbox."""

from __future__ import annotations

import json
import shutil
import zlib
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from naverplace import handler
from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.errors import RulesError
from naverplace.cli.app import app
from naverplace.jobs.doctor import run_checks
from naverplace.jobs.retention.job import Retention
from naverplace.jobs.watchdog.job import Watchdog
from naverplace.pipeline.explain import explain_booking
from naverplace.pipeline.rulebook_in_force import ITEM, load_in_force
from naverplace.redaction.redactor import MARK, REDACTOR
from naverplace.reporting.report import RunReport
from naverplace.reporting.summary import for_engineer, for_owner
from naverplace.rules.rulebook_version import rules_version
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings
from sandbox.server import Sandbox
from tests.pipeline.test_telling import ROOT, STORE, Day

REFUSED = "규칙 파일에 잘못된 곳이 있습니다"


class Shop(Day):
    """A shop whose files somebody edits between the runs."""

    @property
    def stores(self) -> Path:
        return Path(self.env["NAVERPLACE_STORES_FILE"])

    def settings(self, **changed: str) -> Settings:
        env = {**self.env, **self.world.environment(), "NAVERPLACE_RULES_DIR": str(self.rules)}
        return load_settings(env={**env, **changed}, env_file=None)

    def served(self, minutes: float = 61) -> RunReport:
        """Let a customer book and a run begin; its message goes out as ever."""
        self.book(phone=f"0100001{self.runs:04}")
        report = self.run(minutes, only=[STORE])
        assert report.status == "success"
        assert report.messages["confirmation"] >= 1
        return report

    def table(self) -> StateTable:
        return StateTable(open_dynamodb(self.settings().aws))

    def kept(self) -> dict[str, Any]:
        return self.table().get(ITEM) or {}

    def restore(self) -> None:
        shutil.rmtree(self.rules)
        shutil.copytree(ROOT / "rules", self.rules)
        shutil.copy(ROOT / "deployments/stores.yaml", self.stores)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.stores if name == "stores.yaml" else self.rules / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")


@pytest.fixture
def shop(
    world: Sandbox, world_env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Shop:
    monkeypatch.chdir(ROOT)
    fixed = {n: v for n, v in world_env.items() if n not in world.environment()}
    fixed["NAVERPLACE_STORES_FILE"] = str(tmp_path / "stores.yaml")
    shop = Shop(world, fixed, tmp_path / "rules")
    shop.rules.mkdir()
    shop.restore()
    return shop


def leave_stores(shop: Shop, ids: tuple[str, ...]) -> None:
    """Take all other stores, and their guides, out of the files."""
    guides = shop.rules / "templates-guide.yaml"
    for path, names in ((shop.stores, ("stores",)), (guides, ("templates", "guide", "stores"))):
        read = yaml.safe_load(path.read_text("utf-8"))
        group = read
        for name in names:
            group = group[name]
        for store_id in set(group) - set(ids):
            del group[store_id]
        path.write_text(yaml.safe_dump(read, allow_unicode=True, sort_keys=False), "utf-8")


NAMED_IN_RULES = (STORE, "951291", "1285716")

NEW_RULE = """
- rule: works
  when: [{booking_status: RC03}, starts_in_future]
  then: [{send_sms: entrance_works}]
"""
WRONG: dict[str, Callable[[Shop], object]] = {
    "reminders.yaml:14": lambda shop: shop.edit("reminders.yaml", "- send_sms:", "- send_sm:"),
    "templates.yaml:": lambda shop: shop.edit("templates.yaml", "감사합니다.", "감사합니다." * 300),
    "fields.yaml:7": lambda shop: shop.edit("fields.yaml", "fields:", "fields: ["),
    "notifications.yaml:1": lambda shop: (shop.rules / "notifications.yaml").write_bytes(b"\xff"),
    "stores.yaml:1": lambda shop: shop.stores.write_text("stores: {}\n", "utf-8"),
    "stores.yaml:1:1: 5 of 8 stores are gone": lambda shop: leave_stores(shop, NAMED_IN_RULES),
}


def test_whatever_is_wrong_messages_go_out_and_it_is_told_once_with_its_place(shop: Shop) -> None:
    good = shop.served(0).rulebook
    assert good.id == rules_version(shop.rules, shop.stores) == shop.kept()["version"]
    for place, spoil in WRONG.items():
        shop.reads()
        spoil(shop)
        report = shop.served()
        again = shop.served(20)
        (told,) = [text for text in shop.reads() if "⚠️" in text]
        shop.restore()
        mended = shop.served(20)
        ended = [text for text in shop.reads() if f"끝났습니다: {REFUSED}" in text]

        assert report.rulebook.id == again.rulebook.id == good.id
        assert any(place in line for line in report.rulebook.refused), report.rulebook.refused
        assert told.count(REFUSED) == 1
        assert place.rpartition("/")[2] in told
        assert f"지금 쓰는 규칙집 {good.short} (" in told
        assert len(ended) == 1
        assert mended.rulebook.refused == ()
    assert shop.run(only=[STORE]).rulebook.since == good.since


def test_every_page_says_which_version_decides_and_that_a_newer_one_is_refused(shop: Shop) -> None:
    good = shop.served(0).rulebook
    shop.edit("reminders.yaml", "- send_sms:", "- send_sm:")
    raw = shop.book(phone="01000009999")
    report = shop.run(only=[STORE])

    assert report.as_json()["rulebook"]["id"] == good.id
    json.dumps(report.as_json())
    assert f"규칙집 {good.short}" in for_owner(report)
    assert "잘못된 곳이 있어 쓰지 않습니다" in for_owner(report)
    for lines in (
        for_engineer(report),
        "\n".join(explain_booking(shop.settings(), f"{STORE}_{raw['bookingId']}").lines()),
        "\n".join(
            c.found for c in run_checks(shop.settings(), progress=lambda _: None) if not c.ok
        ),
    ):
        assert f"rulebook {good.short}, since" in lines
        assert "the newer files are refused" in lines
        assert "reminders.yaml:14" in lines


def test_a_first_rulebook_that_is_wrong_stops_the_run_and_is_told_once(shop: Shop) -> None:
    shop.edit("reminders.yaml", "- send_sms:", "- send_sm:")
    for _ in range(2):
        with pytest.raises(RulesError, match=r"reminders\.yaml:14"):
            shop.run(5)
    (told,) = shop.reads()
    assert "문자가 나가지 않습니다" in told
    assert "reminders.yaml:14" in told
    assert shop.kept() == {}

    shop.restore()
    shop.served(5)
    assert "끝났습니다" in "".join(shop.reads())


def test_the_lambda_goes_on_from_a_cold_start_with_wrong_files(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.served(0)
    shop.stores.write_text("stores:", "utf-8")
    monkeypatch.setattr(handler, "_settings", shop.settings())

    answer = handler.lambda_handler({"stores": [STORE]}, None)

    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["rulebook"]["refused"]


def test_the_jobs_beside_the_runs_go_on_with_the_last_good_rulebook(shop: Shop) -> None:
    shop.served(0)
    shop.stores.write_text("stores: {}\n", "utf-8")

    assert len(Watchdog(shop.settings()).stores) == 8
    assert len(Retention(shop.settings(), dry_run=True).stores) == 8


def test_a_dry_run_writes_nothing_and_runs_write_only_what_is_new(shop: Shop) -> None:
    shop.run(0, dry_run=True)
    assert shop.kept() == {}
    shop.run(only=[STORE])
    first = shop.kept()
    shop.run(only=[STORE])
    assert shop.kept() == first

    shop.edit("templates.yaml", "감사합니다.", "고맙습니다.")
    assert shop.run(dry_run=True, only=[STORE]).rulebook.since is None
    assert shop.kept() == first
    shop.run(only=[STORE])
    assert shop.kept()["version"] == rules_version(shop.rules, shop.stores) != first["version"]


def test_a_new_rule_names_nothing_that_was_due_before_it_was_there(shop: Shop) -> None:
    shop.served(0)
    shop.book(phone="01000009999", hours=3)
    shop.served(20)
    shop.served(100)
    shop.served(100)
    shop.reads()
    with (shop.rules / "reminders.yaml").open("a", encoding="utf-8") as opened:
        opened.write(NEW_RULE)

    report = shop.served(20)
    again = shop.served(20)

    assert list(report.expired) == list(again.expired) == []
    assert report.rulebook.rules_since == again.rulebook.rules_since
    assert [*report.rulebook.rules_since] == ["works"]
    assert [text for text in shop.reads() if "works" in text or "entrance" in text] == []


def test_workers_agree_on_one_version_and_on_since_when(shop: Shop, tmp_path: Path) -> None:
    now = shop.world.world.now()
    settings = shop.settings()
    with ThreadPoolExecutor(4) as pool:
        loaded = list(
            pool.map(lambda _: load_in_force(settings, shop.table(), keep_at=now), range(4))
        )
    assert len({(one.version.id, one.version.since) for one in loaded}) == 1

    # The other worker has the new files in whole, this one has them torn.
    theirs = tmp_path / "theirs"
    shutil.copytree(shop.rules, theirs)
    with (theirs / "templates.yaml").open("a", encoding="utf-8") as opened:
        opened.write("# 새 판\n")
    other = load_in_force(
        shop.settings(NAVERPLACE_RULES_DIR=str(theirs)), shop.table(), keep_at=now
    )
    shop.edit("templates.yaml", "templates:", "templates: [")
    here = load_in_force(settings, shop.table(), keep_at=now)
    assert here.version.id == other.version.id != loaded[0].version.id
    assert here.version.refused


def test_while_dynamodb_cannot_be_read_the_files_decide_alone(shop: Shop) -> None:
    shop.served(0)
    shop.breaks("aws", kind="status:500")
    found = load_in_force(shop.settings(), shop.table(), keep_at=shop.world.world.now())
    assert found.version.since is None
    shop.stores.write_text("stores: {}\n", "utf-8")
    with pytest.raises(RulesError, match=r"stores\.yaml:1"):
        load_in_force(shop.settings(), shop.table())


def test_no_secret_is_kept_not_even_one_that_somebody_wrote_into_a_text(shop: Shop) -> None:
    shop.served(0)
    item = shop.kept()
    texts = zlib.decompress(b64decode(item["texts"])).decode()
    assert json.loads(texts)["stores.yaml"] == shop.stores.read_text("utf-8")
    assert REDACTOR.scrub(texts).count(MARK) == 0
    assert len(str(item)) < 20_000

    code = shop.settings().access[STORE]["door_code"].get_secret_value()
    shop.edit("templates.yaml", "감사합니다.", f"비밀번호 {code} 입니다.")
    report = shop.served()
    assert report.rulebook.since is None
    assert shop.kept() == item


def test_a_store_that_left_the_file_is_told_until_it_is_back_or_said_to_be_closed(
    shop: Shop,
) -> None:
    shop.served(0)
    shop.reads()
    others = ("951291", "1120125", "1285716", "1462519", "1473826", "1466783")
    leave_stores(shop, (STORE, *others))
    report = shop.served()
    assert report.rulebook.gone == {"867589": "바른점"}
    shop.served(20)
    (told,) = [text for text in shop.reads() if "⚠️" in text]
    assert "stores.yaml에서 사라진 매장이 있습니다" in told
    assert "바른점" in told

    shop.env["NAVERPLACE_RETENTION__CLOSED_STORES"] = '["867589"]'
    shop.served(20)
    assert "끝났습니다: stores.yaml에서 사라진" in "".join(shop.reads())


@pytest.mark.parametrize(
    "words", [("pause", "화성점"), ("resume", STORE), ("stores",), ("release", "화성점")]
)
def test_a_person_can_still_act_while_a_typo_stands_in_the_stores_file(
    shop: Shop, words: tuple[str, ...]
) -> None:
    shop.served(0)
    shop.stores.write_text("stores: [\n", "utf-8")

    env = {**shop.env, **shop.world.environment(), "NAVERPLACE_RULES_DIR": str(shop.rules)}
    done = CliRunner().invoke(app, words, env=env)

    assert done.exit_code == 0, done.output
    assert "화성점" in done.stdout
