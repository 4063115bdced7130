"""The stores' file: every mistake is named with its line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from naverplace.base.errors import RulesError
from naverplace.domain.stores import load_stores

ROOT = Path(__file__).resolve().parents[2]


def problems(folder: Path, text: str) -> list[str]:
    path = folder / "stores.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(RulesError) as raised:
        load_stores(path)
    return [problem.removeprefix(f"{path.as_posix()}:") for problem in raised.value.problems]


def test_the_eight_stores_are_read_in_their_order() -> None:
    stores = load_stores(ROOT / "deployments/stores.yaml")

    assert list(stores)[:8] == [
        *("1051707", "951291", "1120125", "1285716"),
        *("1462519", "1473826", "1466783", "867589"),
    ]
    assert (stores["1051707"].alias, stores["951291"].alias) == ("화성점", "안산점")
    assert all(store.id == key for key, store in stores.items())


def test_a_sender_is_digits_whatever_hyphens_it_is_written_with() -> None:
    stores = load_stores(ROOT / "deployments/stores.yaml")

    assert stores["1051707"].sender == "0310000001"
    assert stores["867589"].sender is None


def test_an_id_may_be_written_without_quotes(tmp_path: Path) -> None:
    path = tmp_path / "stores.yaml"
    path.write_text("stores:\n  1: {name: 가, alias: 나}\n", "utf-8")

    assert load_stores(path)["1"].name == "가"


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    told = problems(
        tmp_path,
        "stores:\n"
        '  "1": {name: 가, alias: 나, sendr: "031-000-0000"}\n'
        '  "2": {name: 가}\n'
        '  "3": {name: 가, alias: 나, sender: "12"}\n'
        "  three: {name: 가, alias: 나}\n"
        '  "5": {name: "", alias: 나}\n',
    )

    assert told[0] == "2:28: unknown key 'sendr'; did you mean 'sender'?"
    assert told[1] == "3:8: key 'alias' is missing"
    assert told[2].startswith("4:36: ")
    assert "phone number" in told[2]
    assert [problem.split(":")[0] for problem in told] == ["2", "3", "4", "5", "6"]


def test_a_store_that_stands_twice_is_refused(tmp_path: Path) -> None:
    told = problems(
        tmp_path, 'stores:\n  "1": {name: 가, alias: 나}\n  "1": {name: 다, alias: 라}\n'
    )

    assert told == ["3:3: key '1' stands here twice, see line 2"]


@pytest.mark.parametrize("text", ["", "stores:\n", "stores: []\n", "stores: {}\n", "- 1\n"])
def test_a_file_without_stores_is_refused(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match=r"nowhere\.yaml:1:1: cannot be read"):
        load_stores(tmp_path / "nowhere.yaml")
