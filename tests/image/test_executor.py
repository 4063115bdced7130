"""The executor refuses what it would carry out wrongly, and reads the rest as Docker does."""

from __future__ import annotations

from pathlib import Path

import pytest

from trials.image.building import Builder, Built
from trials.image.context import lets_in
from trials.image.dockerfile import NotUnderstood, expand, instructions, read_dockerfile


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("FROM debian AS a\nADD x y\n", "line 2: ADD is not carried out here"),
        ("FROM debian\n", "line 1: FROM needs a name"),
        ("FROM debian AS a\nCOPY --link x y\n", "line 2: COPY --link"),
        ("FROM debian AS a\nRUN --mount=type=cache,target=/x ls\n", "line 2: RUN --mount"),
        ("FROM debian AS a\nRUN cat <<EOF\n", "line 2: RUN with <<"),
        ("RUN ls\n", "line 1: RUN before the first FROM"),
        ("FROM debian AS a\nRUN ls \\\n", "ends in a continued line"),
    ],
)
def test_what_it_does_not_know_is_refused_with_its_line(
    text: str, told: str, tmp_path: Path
) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(text)

    with pytest.raises(NotUnderstood, match=told):
        read_dockerfile(file)


def test_continued_lines_are_one_and_comments_inside_of_them_vanish() -> None:
    found = instructions("# a\nRUN one \\\n    # not this\n    && two\n\nENV A=1 \\\n  B='2 3'\n")

    assert [" ".join(one.text.split()) for one in found] == ["one && two", "A=1 B='2 3'"]
    assert found[1].pairs() == {"A": "1", "B": "2 3"}
    assert [one.line for one in found] == [2, 6]


def test_a_command_in_the_shell_form_is_refused() -> None:
    (one,) = instructions("CMD worker\n")

    with pytest.raises(NotUnderstood, match="line 1: CMD needs the form"):
        one.listed()


def test_variables_are_put_in_and_one_that_is_not_set_is_empty() -> None:
    assert expand("${A}/$B/${C}", {"A": "a", "B": "b"}) == "a/b/"


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("naverplace/pipeline/steps.py", True),
        ("naverplace/ledger/message_ledger.py", True),
        ("naverplace/tables/.env", False),
        ("naverplace/a/b/c.pyc", False),
        ("other.py", False),
        ("naverplacex", False),
        ("deployments/aws/a.yaml", False),
        ("deployments/awsome.yaml", True),
    ],
)
def test_the_last_rule_that_fits_decides(path: str, inside: bool) -> None:
    rules = [(False, "*"), (True, "naverplace"), (True, "deployments"), (False, "deployments/aws")]

    assert lets_in(path, [*rules, (False, "**/.env"), (False, "**/*.pyc")]) is inside


def test_copies_variables_and_the_user_end_up_in_the_built_stage(tmp_path: Path) -> None:
    context, place = tmp_path / "context", tmp_path / "place"
    (context / "rules").mkdir(parents=True)
    (context / "rules" / "a.yaml").write_text("a")
    (context / "one.txt").write_text("1")
    (context / ".dockerignore").write_text("Dockerfile\n")
    (place / "base").mkdir(parents=True)  # an empty root: nothing is run in it
    (context / "Dockerfile").write_text(
        "ARG BASE=debian:bookworm-slim\nFROM ${BASE} AS first\nARG NAME=n\nWORKDIR /app\n"
        "COPY rules rules\nCOPY one.txt ./\nENV A=${NAME} B=2\n"
        'FROM debian:bookworm-slim AS last\nCOPY --from=first /app /srv\nUSER 7:8\nCMD ["x"]\n'
    )

    notes: list[str] = []
    builder = Builder(context, place, lambda step, seconds: notes.append(step), {"NAME": "given"})
    built = builder.build(read_dockerfile(context / "Dockerfile"))

    assert builder.stages["first"].env | {"A": "given", "B": "2"} == builder.stages["first"].env
    assert (built.root / "srv/rules/a.yaml").read_text() == "a"
    assert (built.root / "srv/one.txt").read_text() == "1"
    assert (built.user, built.command) == ("7:8", ["x"])
    assert notes == ["first: COPY rules rules", "first: COPY one.txt ./", "last: COPY /app /srv"]


def test_a_copy_of_something_that_is_ignored_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("*\n")
    (tmp_path / "secret.txt").touch()
    builder = Builder(tmp_path, tmp_path, lambda step, seconds: None)
    (one,) = instructions("COPY secret.txt ./\n")

    with pytest.raises(NotUnderstood, match=r"COPY secret\.txt: not there, or ignored"):
        builder._copy(Built(tmp_path / "root"), one)
