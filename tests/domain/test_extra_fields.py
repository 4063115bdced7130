"""Declared fields: any place of Naver's JSON, read by its type, without code."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from naverplace.base.clock import SEOUL
from naverplace.base.errors import RulesError
from naverplace.domain.extra_fields import Field, FieldType, load_fields, read_field

ROOT = Path(__file__).resolve().parents[2]
RAW = {
    "totalPrice": 45000,
    "bizItemName": "컨셉 촬영",
    "userId": 8000000,
    "isNPayUsed": True,
    "regDateTime": "2025-10-21T11:18:43+09:00",
    "snapshotJson": {
        "startDateTime": "2025-10-21T09:00:00Z",
        "customFormInputJson": [{"value": "조용한 방"}, {"title": "x"}, {"value": "주차"}],
    },
}


def write(folder: Path, text: str) -> Path:
    path = folder / "fields.yaml"
    path.write_text(text, "utf-8")
    return path


def test_the_shipped_fields_are_read_from_naver_s_json() -> None:
    read = {f.name: read_field(f, RAW) for f in load_fields(ROOT / "rules/fields.yaml")}

    assert read["total_price"] == 45000
    assert read["item_name"] == "컨셉 촬영"
    assert read["user_id"] == "8000000"
    assert read["special_requests"] == ["조용한 방", "주차"]
    assert read["email"] is None


def test_what_tells_of_a_person_is_declared_personal() -> None:
    personal = {f.name for f in load_fields(ROOT / "rules/fields.yaml") if f.personal}

    assert personal == {"user_id", "email", "special_requests"}


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("int", 45000, 45000),
        ("int", "45000", 45000),
        ("int", 45000.0, 45000),
        ("int", 1.5, None),
        ("int", True, None),
        ("int", "many", None),
        ("int", [1], None),
        ("float", 1.5, 1.5),
        ("float", "1.5", 1.5),
        ("float", float("nan"), None),
        ("float", "inf", None),
        ("str", "글", "글"),
        ("str", 7, "7"),
        ("str", {"a": 1}, None),
        ("bool", True, True),
        ("bool", "true", True),
        ("bool", "n", False),
        ("bool", "maybe", None),
        ("list", ["a", None, "b"], ["a", "b"]),
        ("list", "a", ["a"]),
        ("list", [], []),
        ("datetime", "2025-10-21T09:00:00Z", datetime(2025, 10, 21, 18, tzinfo=SEOUL)),
        ("datetime", "2025-10-21T11:00:00+09:00", datetime(2025, 10, 21, 11, tzinfo=SEOUL)),
        ("datetime", "2025-10-21", datetime(2025, 10, 21, tzinfo=SEOUL)),
        ("datetime", "soon", None),
        ("datetime", 17, None),
    ],
)
def test_a_value_of_another_type_counts_as_missing_and_never_raises(
    kind: FieldType, value: Any, read: Any
) -> None:
    assert read_field(Field("one", "x", kind), {"x": value}) == read


@pytest.mark.parametrize("kind", ["str", "int", "float", "bool", "datetime", "list"])
@pytest.mark.parametrize("raw", [{}, {"x": None}, {"x": {}}, {"y": 1}])
def test_a_missing_value_is_none(kind: FieldType, raw: dict[str, Any]) -> None:
    assert read_field(Field("one", "x.y", kind), raw) is None


def test_every_mistake_is_named_with_its_place(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "fields:\n"
        '  price: {path: "totalPrice[", type: int, personal: false}\n'
        "  area: {path: areaName, type: text, personal: false}\n"
        "  mail: {path: email}\n"
        "  visits: {path: completedCount, typ: int, personal: false}\n"
        "  Visits: {path: completedCount, personal: false}\n",
    )

    with pytest.raises(RulesError) as raised:
        load_fields(path)

    problems = [p.removeprefix(f"{path.as_posix()}:") for p in raised.value.problems]
    assert [p.split(":")[0] for p in problems] == ["2", "3", "4", "5", "6"]
    assert "is no path: write it like" in problems[0]
    assert "'personal' is missing" in problems[2]
    assert "unknown key 'typ'; did you mean 'type'?" in problems[3]


def test_a_field_may_not_hide_what_every_booking_has(tmp_path: Path) -> None:
    path = write(tmp_path, "fields:\n  phone: {path: phone, personal: true}\n")

    with pytest.raises(RulesError, match=r"fields\.yaml:2:3: 'phone' is what every booking has"):
        load_fields(path)
