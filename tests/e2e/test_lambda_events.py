"""An event of Lambda's that is none starts nothing, and is answered in words."""

from __future__ import annotations

import json

import pytest

from naverplace import handler


@pytest.mark.parametrize(
    ("event", "word"),
    [
        (None, "JSON object"),
        ([], "JSON object"),
        ("run", "JSON object"),
        (0, "JSON object"),
        ({"dry_run": "false"}, "dry_run"),
        ({"dry_run": None}, "dry_run"),
        ({"dry_run": 0}, "dry_run"),
        ({"stores": "1051707"}, "stores"),
        ({"stores": None}, "stores"),
        ({"stores": []}, "stores"),
        ({"stores": {"1051707": 1}}, "stores"),
        ({"stores": [["1051707"]]}, "stores"),
        ({"stores": [True]}, "stores"),
        ({"stores": 1051707}, "stores"),
    ],
)
def test_an_event_that_is_none_starts_nothing_and_says_what_would_be_right(
    event: object, word: str
) -> None:
    answer = handler.lambda_handler(event, None)

    assert answer["statusCode"] == 500
    assert word in json.loads(answer["body"])["error"]


@pytest.mark.parametrize(
    ("event", "asked"),
    [
        ({}, (False, [])),
        ({"version": "0", "detail-type": "Scheduled Event", "detail": {}}, (False, [])),
        ({"dry_run": True, "stores": ["1051707", 951291]}, (True, ["1051707", "951291"])),
    ],
)
def test_an_event_says_what_a_run_shall_do(event: object, asked: tuple[bool, list[str]]) -> None:
    assert handler._read_event(event) == asked
