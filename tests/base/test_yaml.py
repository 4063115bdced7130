"""YAML with places: what it reads, what it refuses, and where it says the mistake is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from naverplace.base.errors import RulesError
from naverplace.base.yaml_nodes import ErrorList, Node, Position, load_yaml
from naverplace.base.yaml_validation import validate_node


def read(folder: Path, text: str | bytes) -> tuple[Node | None, list[str]]:
    path = folder / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    problems = ErrorList()
    node = load_yaml(path, problems)
    return node, [line.removeprefix(f"{path.as_posix()}:") for line in problems.lines()]


def value(folder: Path, text: str) -> Any:
    node, problems = read(folder, text)
    assert problems == []
    assert node
    return node.plain


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("true", True),
        ("false", False),
        ("yes", "yes"),
        ("on", "on"),
        ("No", "No"),
        ("20:50", "20:50"),
        ("2025-10-22", "2025-10-22"),
        ("017", "017"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("17", 17),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", "1e3"),
        ("~", None),
        ("null", None),
        ("'17'", "17"),
        ("", None),
        ("네이버", "네이버"),
    ],
)
def test_a_word_means_what_it_looks_like(tmp_path: Path, text: str, meaning: Any) -> None:
    assert value(tmp_path, f"a: {text}\n") == {"a": meaning}
    assert type(value(tmp_path, f"a: {text}\n")["a"]) is type(meaning)


def test_every_node_knows_its_line_and_column(tmp_path: Path) -> None:
    node, _ = read(tmp_path, "# note\na:\n  - {b: 1, c: [x]}\n")

    assert node
    inner = node.value["a"].value[0]
    assert inner.place[1:] == (3, 5)
    assert inner.keys["c"][1:] == (3, 12)
    assert node.locate(("a", 0, "c", 0))[1:] == (3, 16)
    assert node.locate(("a", 0, "c", "[key]"))[1:] == (3, 12)
    assert node.locate(("a", 0, "gone", 7))[1:] == (3, 5)


def test_a_byte_order_mark_and_windows_line_ends_are_taken(tmp_path: Path) -> None:
    node, problems = read(tmp_path, b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")

    assert problems == []
    assert node
    assert node.plain == {"a": 1, "b": 2}
    assert node.keys["b"][1:] == (2, 1)


def test_a_sign_within_a_block_is_found_on_its_line(tmp_path: Path) -> None:
    node, _ = read(tmp_path, "a:\n  text: |\n    first\n    second ☁ here\n")

    assert node
    assert node.value["a"].value["text"].find("☁")[1:] == (4, 12)
    assert node.value["a"].value["text"].find("gone")[1:] == (2, 9)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", "3:1: key 'a' stands here twice, see line 1"),
        ("a: &x 1\nb: *x\n", "2:4: aliases (*) are not used here: write the value itself"),
        ("a: !!int many\n", "1:4: is no number"),
        (f"a: {'9' * 5000}\n", "1:4: is no number"),
        ("[" * 3000, "1:1: is nested too deeply"),
        ("a: !!python/object:os.system 1\n", "1:4: tag "),
        ("? [a, b]\n: 1\n", "1:3: a key must be one word"),
        ("a: [1, 2\n", "2:1: a list that began with [ is not closed by ] before this place"),
        ("a: 1\n b: 2\n", "2:3: no ': ' can stand here: look at the indentation"),
        ("a: {b: 1\n", "2:1: what began with { is not closed by } before this place"),
        ("a: 'b\n", "2:1: a quotation mark is not closed before this place"),
        ("- a\nb: 1\n", "2:1: is not indented like the lines that it belongs to"),
        ("a: @b\n", "1:4: no value begins with '@': put it into quotes"),
        ("a: 1\nb\nc: 2\n", "3:1: a key before this place lacks its ':'"),
        ('a: "\\q"\n', "1:6: a quotation mark is not closed before this place"),
        ("a:\n\t- 1\n", "2:1: a tab stands here: indent with blanks"),
        ("", "1:1: is empty"),
        ("# only a note\n", "1:1: is empty"),
        (b"a: 1\nb: \xb0\xa1\n", "2:1: is no UTF-8: "),
        ("a: 1\nb: \x07\n", "2:4: '\\x07' (U+0007) may not stand in such a file: delete it"),
        ("a: 1\n---\nb: 2\n", "2:1: a second document begins here: one file is one document"),
    ],
)
def test_what_is_refused_is_named_with_its_place(
    tmp_path: Path, text: str | bytes, problem: str
) -> None:
    assert [line.startswith(problem) for line in read(tmp_path, text)[1]] == [True]


def test_a_missing_file_is_a_problem_and_not_an_exception(tmp_path: Path) -> None:
    problems = ErrorList()

    assert load_yaml(tmp_path / "gone.yaml", problems) is None
    assert "gone.yaml:1:1: cannot be read: No such file" in problems.lines()[0]


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    inner: dict[str, Inner] | None = None


def test_a_model_s_mistakes_are_named_with_the_nearest_key(tmp_path: Path) -> None:
    node, _ = read(tmp_path, "nam: x\ninner:\n  one: {sise: 1}\n  two: {size: big}\n")
    problems = ErrorList()

    assert node
    assert validate_node(Outer, node, problems) is None
    told = [line.rpartition("file.yaml:")[2] for line in problems.lines()]
    assert told[:2] == [
        "1:1: unknown key 'nam'; did you mean 'name'?",
        "3:9: unknown key 'sise'; did you mean 'size'?",
    ]
    assert told[2].startswith("4:15: size: should be a whole number")
    assert len(told) == 3


def test_problems_are_told_in_the_order_of_the_lines_and_once() -> None:
    problems = ErrorList()
    for line in (10, 9, 9, 1):
        problems.note(Position("a.yaml", line, 1), "wrong")

    with pytest.raises(RulesError) as raised:
        problems.raise_if_any()

    assert raised.value.problems == (
        "a.yaml:1:1: wrong",
        "a.yaml:9:1: wrong",
        "a.yaml:10:1: wrong",
    )


@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))
)
def test_no_file_whatever_it_holds_raises(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()

    node, problems = read(folder, content)

    assert node is not None or problems
