"""The legacy's texts beside ours: what may differ, and not a sign more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from naverplace.base.errors import Permanent
from naverplace.migration.parity.booking_view import BookingView, booking_views
from naverplace.migration.parity.differences import in_words, lacking, message_differences
from naverplace.migration.parity.legacy_texts import load_legacy_texts
from naverplace.migration.parity.sides import output_of_legacy
from naverplace.migration.parity.values import AcceptedId, Message
from naverplace.pipeline.capture.inputs import Inputs
from trials.parity.generator import moments, one_run
from trials.parity.setup import DEPLOYMENTS, access_of, make_setup

SETUP = make_setup()
TEXTS = SETUP.comparator.texts


@cache  # not when it is imported: every process of the tests imports it
def inputs() -> Inputs:
    return one_run(1, moments()[1])


def a_pair(kind: str, *, awkward: bool = False) -> tuple[BookingView, Message, Message]:
    """Give a booking to which both sides send, and both messages."""
    prepared = SETUP.new().prepare(inputs())
    old = output_of_legacy(SETUP.legacy(inputs()), inputs())
    new = SETUP.new().output(prepared)
    views = booking_views(inputs())
    for key, messages in old.sends.items():
        view = views[key.booking_num]
        odd = any(sign in view.name for sign in "☁✨🦥뷁サ")
        if key.kind == kind and key in new.sends and odd == awkward and view.phone[0] == "0":
            return view, messages[0], new.sends[key][0]
    raise AssertionError("no such pair")


def classes(kind: str, view: BookingView, old: Message, new: Message) -> dict[str, str]:
    return dict(
        message_differences(old, new, kind=kind, view=view, texts=TEXTS, stores=SETUP.stores)
    )


@cache  # not when it is imported: every process of the tests imports it
def pair() -> tuple[BookingView, Message, Message]:
    return a_pair("confirmation")


LATER = moments()[1].replace(month=12)


def test_a_subject_tells_kind_and_store() -> None:
    view, old, new = pair()

    assert new.subject == f"[예약확정] {SETUP.stores[view.store_id].alias}"
    assert classes("confirmation", view, old, new) == {
        "subject": AcceptedId.SUBJECT,
        "text": AcceptedId.NAMED,
    }


def test_a_name_with_emoji_has_a_class_of_its_own() -> None:
    assert (
        classes("confirmation", *a_pair("confirmation", awkward=True))["text"] == AcceptedId.PLAIN
    )


def on_another_day(text: str) -> str:
    start = pair()[0].start
    assert start is not None
    return text.replace(in_words(start), in_words(LATER))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + ".",
        lambda text: text.replace("두 시간", "세 시간"),
        lambda text: text.replace("■", "□", 1),
        lambda text: text.replace("님, ", "님,"),
        on_another_day,
        lambda text: "",
    ],
    ids=["a full stop", "a word", "a sign", "a blank less", "another day", "nothing"],
)
def test_one_other_sign_leaves_a_text_without_class(change: Callable[[str], str]) -> None:
    view, old, new = pair()
    text = change(new.text)

    assert text.strip() != new.text.strip()
    assert classes("confirmation", view, old, replace(new, text=text))["text"] == ""


@pytest.mark.parametrize(
    ("change", "aspect"),
    [
        ({"sender": "0310009999"}, "sender"),
        ({"to": "01099999999"}, "recipient"),
        ({"subject": "[이용안내] 화성점"}, "subject"),
        ({"type": "SMS"}, "type"),
        ({"content_type": "AD"}, "type"),
    ],
)
def test_what_may_not_differ_has_no_class(change: dict[str, str], aspect: str) -> None:
    view, old, new = pair()

    assert classes("confirmation", view, old, replace(new, **change))[aspect] == ""


@pytest.mark.parametrize("signs", [" \u2b07", " \u26a0\ufe0f", "\u2757\ufffd"])
def test_signs_that_euc_kr_lacks_are_unknown_and_in_the_legacys_text_only(signs: str) -> None:
    view, old, new = pair()
    marked = replace(old, text=old.text.replace("\n", f"{signs}\n", 1))

    found = classes("confirmation", view, marked, new)
    assert (found["signs"], found["text"]) == (AcceptedId.SIGNS, AcceptedId.NAMED)
    # Here too: nobody may send what may be refused.
    both = replace(new, text=new.text.replace("\n", f"{signs}\n", 1))
    assert classes("confirmation", view, marked, both)["signs"] == ""
    ours = classes("confirmation", view, old, both)
    assert (ours["signs"], ours["text"]) == ("", "")
    # Another word beside them has no class.
    wrong = replace(marked, text=marked.text.replace("두 시간", "세 시간"))
    assert classes("confirmation", view, wrong, new)["text"] == ""


def test_six_of_the_eight_guides_hold_such_signs_as_the_stored_ones_do() -> None:
    guides = [str(text) for text in (TEXTS.guide.stores or {}).values()]

    assert [lacking(text) > 0 for text in guides].count(True) == 6
    (all_of_them,) = [text for text in guides if "\u26a0" in text]
    assert {"\u2b07", "\u2757", "\ufe0f", "\ufffd"} <= set(all_of_them)


def test_a_number_from_abroad_is_the_same_number_in_national_form() -> None:
    view, old, new = pair()
    digits = new.to
    abroad = replace(old, to=f"82{digits[1:]}")

    assert classes("confirmation", view, abroad, new)["recipient"] == AcceptedId.NATIONAL


def test_no_door_code_is_in_a_repr() -> None:
    assert "1000#" not in repr(TEXTS)
    assert "1000#" in str(TEXTS.guide.stores)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("subject: [", "x.yaml:2:1: a value is missing before this place"),
        ("subject: a", "x.yaml:1:1: key 'confirmation' is missing"),
        ("- a", "x.yaml:1:1: should be keys with their values"),
    ],
)
def test_what_is_no_file_of_texts_is_refused(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(content + "\n", "utf-8")
    with pytest.raises(Permanent) as refused:
        load_legacy_texts(path, None, ())
    assert words in str(refused.value)


FILE = DEPLOYMENTS / "legacy-texts.yaml"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{start}", "{strat}", "unknown word {strat}; did you mean 'start'?"),
        ('"867589": |', '"999": |', "guide.stores: no text for store 867589"),
        ("subject_now:", "subject:", "unknown key 'subject'; did you mean 'subject_now'?"),
    ],
)
def test_a_mistake_is_told_when_the_file_is_read(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = tmp_path / "texts.yaml"
    path.write_text(FILE.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(Permanent) as refused:
        load_legacy_texts(path, access_of(dict(SETUP.stores)), SETUP.stores)
    assert words in str(refused.value)


def test_a_store_without_its_door_code_is_named() -> None:
    access = access_of(dict(SETUP.stores))
    del access["951291"]
    with pytest.raises(Permanent, match="store 951291 needs door_code"):
        load_legacy_texts(FILE, access, SETUP.stores)
