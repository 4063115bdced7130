"""The table of message states: what it allows, and the picture that the docs draw of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from naverplace.domain.message_status import (
    TRANSITIONS,
    WITH_PROVIDER,
    MessageStatus,
    assert_transition,
)

PAGE = Path(__file__).parents[2] / "docs/architecture.md"


def test_the_picture_in_the_docs_is_drawn_from_the_table() -> None:
    drawn = [f"    {way.old or '[*]'} --> {way.new}: {way.when}" for way in TRANSITIONS]
    picture = "\n".join(["```mermaid", "stateDiagram-v2", *drawn, "```"])
    assert picture in PAGE.read_text(encoding="utf-8"), f"write it so:\n{picture}"


def test_no_way_stands_in_the_table_twice() -> None:
    ways = [(way.old, way.new) for way in TRANSITIONS]
    assert len(set(ways)) == len(ways)


@pytest.mark.parametrize("old", WITH_PROVIDER)
def test_what_the_provider_took_is_never_claimed_or_owed_again(old: MessageStatus) -> None:
    for new in (MessageStatus.OWED, MessageStatus.CLAIMED, MessageStatus.REFUSED):
        with pytest.raises(AssertionError, match=f"no way from {old} to {new}"):
            assert_transition(old, new)


def test_an_allowed_way_is_silent_and_a_word_of_a_newer_version_is_not() -> None:
    assert_transition(None, "claimed")
    assert_transition("claimed", MessageStatus.ACCEPTED)
    with pytest.raises(AssertionError, match="no way from archived to claimed"):
        assert_transition("archived", MessageStatus.CLAIMED)
