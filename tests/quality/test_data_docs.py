"""Data Docs: for people to open, without a customer in them, and not growing run by run."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from naverplace.quality import data_docs
from tests.quality.test_frames import raw
from tests.quality.test_validation import gate


def test_neither_phone_nor_name_is_in_results_or_data_docs(tmp_path: Path) -> None:
    rows = [raw(phone="01098765432"), raw(bookingId=2, phone="010987654321234", name="비밀이름")]
    validated = gate({"1051707": rows})

    index = data_docs.write_docs(validated, tmp_path / "docs")

    written = [path for path in index.parent.rglob("*") if path.is_file()]
    assert any("validations" in str(path) for path in written)
    for path in written:
        text = path.read_bytes()
        assert b"98765432" not in text
        assert "비밀이름".encode() not in text
    assert "98765432" not in str(validated.stores[0].quarantined)


def test_data_docs_show_the_gates_and_replace_older_ones(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    data_docs.write_docs(gate({"1051707": [raw()]}), docs)
    first = len(list(docs.rglob("*.html")))

    index = data_docs.write_docs(gate({"1051707": [raw(phone="1")]}), docs)

    assert len(list(docs.rglob("*.html"))) == first
    assert index.exists()
    pages = "".join(path.read_text("utf-8") for path in docs.rglob("validations/**/*.html"))
    assert "phone_shape" in pages


def test_the_same_run_may_be_written_twice(tmp_path: Path) -> None:
    validated = gate({"1051707": [raw()]})

    assert data_docs.write_docs(validated, tmp_path) == data_docs.write_docs(validated, tmp_path)


def test_what_else_lies_in_the_folder_stays(tmp_path: Path) -> None:
    other = tmp_path / "holiday.txt"
    other.write_text("mine")

    data_docs.write_docs(gate({"1051707": [raw()]}), tmp_path)

    assert other.read_text() == "mine"


def test_the_first_page_leads_to_the_results_without_scripts(tmp_path: Path) -> None:
    index = data_docs.write_docs(gate({"1051707": [raw(phone="1")]}), tmp_path)

    (link,) = re.findall(r'<a href="(validations[^"]*)">Results', index.read_text("utf-8"))
    assert "2025-10-22 14.02.15" in unquote(link)
    assert "phone_shape" in (tmp_path / unquote(link)).read_text("utf-8")


def test_implausible_times_can_be_shown(tmp_path: Path) -> None:
    rows = [raw(snapshot={"startDateTime": "0001-01-01T00:00:00Z"}), raw(bookingId=2)]

    assert data_docs.write_docs(gate({"1051707": rows}), tmp_path).exists()
