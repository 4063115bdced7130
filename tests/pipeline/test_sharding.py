"""Splitting stores between runs: laws, and the words for the owner."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naverplace.base.clock import SEOUL
from naverplace.pipeline.sharding import Shard, messages_of, shards_in_korean, split

STORES = st.lists(st.integers(1, 10**7).map(str), unique=True, max_size=300)
NOW = datetime(2025, 10, 22, 14, 0, tzinfo=SEOUL)


@given(STORES, st.integers(1, 40))
def test_every_store_is_in_one_part(stores: list[str], shards: int) -> None:
    parts = split(stores, shards)

    assert sorted(store for part in parts for store in part) == sorted(stores)
    assert len(parts) == min(shards, len(stores))


@given(STORES, st.integers(1, 40))
def test_parts_are_of_one_size_but_for_one_store(stores: list[str], shards: int) -> None:
    sizes = [len(part) for part in split(stores, shards)]

    assert not sizes or max(sizes) - min(sizes) <= 1


@given(STORES, st.text("123456789", min_size=8, max_size=9), st.integers(1, 40))
def test_a_new_store_at_the_end_moves_nobody(stores: list[str], new: str, shards: int) -> None:
    before, after = split(stores, shards), split([*stores, new], shards)

    for old, part in zip(before, after, strict=False):
        assert part[: len(old)] == old


@pytest.mark.parametrize("shards", [0, -1])
def test_less_than_one_part_is_refused(shards: int) -> None:
    with pytest.raises(ValueError, match="shards must be 1 or more"):
        split(["1"], shards)


def test_the_owner_reads_one_message_for_the_whole_tick() -> None:
    shards = [
        Shard(1, ("1", "2"), "calm-1", "Completed", {"confirmation": 3, "guide": 1}),
        Shard(2, ("3",), "calm-2", "Completed", {"confirmation": 2, "guide": 0}),
    ]

    text = shards_in_korean(shards, now=NOW, rulebook="규칙집 0123abcd")

    assert messages_of(shards) == {"confirmation": 5, "guide": 1}
    assert text.startswith("✅ 10/22 14:00 문자 6건 접수")
    assert "매장 3곳, 나누어 실행 2개" in text


def test_a_part_that_did_not_end_well_is_named() -> None:
    shards = [Shard(1, ("1", "2"), "calm-1", "Crashed"), Shard(2, ("3",), "calm-2", "Completed")]

    text = shards_in_korean(shards, now=NOW, rulebook="규칙집 0123abcd")

    assert text.startswith("🚨")
    assert "- calm-1 (매장 2곳): Crashed" in text
    assert "calm-2" not in text
