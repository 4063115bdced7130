"""The settings tree: what each kind of setting takes, and that it quotes no secret."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from naverplace.base.setting_types import Link, SecretUrl, Section
from naverplace.settings.env_names import fields, is_secret, section_of
from naverplace.settings.schema import Settings

LOCAL = "http://127.0.0.1:8001"


def tree(**changes: dict[str, Any]) -> dict[str, Any]:
    """Give the settings that have no default, all on loopback."""
    sections: dict[str, dict[str, Any]] = {
        "naver": {
            "username": "owner-canary",
            "password": "password-canary",
            **dict.fromkeys(("nid_url", "www_url", "smartplace_url", "partner_url"), LOCAL),
        },
        "sens": {
            "url": LOCAL,
            "service_id": "ncp:sms:kr:000000000000:shop",
            "access_key": "access-canary",
            "secret_key": "secret-canary",
            "default_sender": "031-000-0000",
        },
        "telegram": {"url": LOCAL, "bot_token": "token-canary", "chat_id": "-1"},
        "slack": {"webhook_url": f"{LOCAL}/services/hook-canary"},
        "aws": {"endpoint_url": LOCAL},
        "access": {"1051707": {"door_code": "door-canary"}},
        "clock": {},
        "watchdog": {},
    }
    names = [*sections, *(name for name in changes if name not in sections)]
    return {name: {**sections.get(name, {}), **changes.get(name, {})} for name in names}


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("telegram", "chat_id", "the owner"),
        ("telegram", "chat_id", ""),
        ("sens", "service_id", "0000"),
        ("sens", "service_id", "ncp:sms:kr:000000000000:a/b"),
        ("aws", "region", "Seoul"),
        ("aws", "sms_table", "a/b"),
        ("aws", "sms_table", "ab"),
        ("clock", "offset_seconds", float("nan")),
        ("clock", "offset_seconds", float("inf")),
        ("naver", "read_timeout", float("inf")),
        ("naver", "read_timeout", 0),
        ("naver", "session_check", "none"),
        ("naver", "unheard_of", 1),
        ("access", "1051707", {"door_code": 7301}),
        ("access", "1051707", {"door_code": " "}),
    ],
)
def test_a_value_that_would_fail_later_is_refused_now(section: str, name: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        Settings(**tree(**{section: {name: value}}))


def test_a_chat_may_be_a_number_in_json() -> None:
    assert (
        Settings(**tree(telegram={"chat_id": -1000000000000})).telegram.chat_id == "-1000000000000"
    )


def test_no_secret_is_shown_by_the_settings_themselves() -> None:
    settings = Settings(**tree())

    for shown in (repr(settings), str(settings), settings.model_dump_json(), f"{settings.access}"):
        assert "canary" not in shown
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_no_secret_is_shown_by_pydantics_own_errors() -> None:
    wrong = tree(naver={"password": {"value": "password-canary"}}, telegram={"chat_id": "canary"})

    with pytest.raises(ValidationError) as refused:
        Settings(**wrong)

    assert "canary" not in str(refused.value)


def test_settings_do_not_change_once_they_are_checked() -> None:
    settings = Settings(**tree())

    with pytest.raises(ValidationError):
        settings.naver.page_size = 1  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.rules_dir = settings.rules_dir  # type: ignore[misc]


def test_the_environment_is_not_read_behind_the_loaders_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NAVERPLACE_NAVER__PAGE_SIZE", "7")

    assert Settings(**tree()).naver.page_size == 50


def test_every_url_of_the_tree_is_guarded_against_a_simulated_clock() -> None:
    urls = {".".join(path) for path, field in fields() if path[-1].endswith("url")}

    assert set(Settings(**tree()).outside_urls()) == urls


def test_a_url_is_known_by_its_type_whatever_it_is_named() -> None:
    class Chat(Section):
        hook: SecretUrl | None = None
        page: Link = "https://example.com"

    class Ours(Settings):
        chat: Chat = Chat()

    settings = Ours(**tree(chat={"hook": LOCAL}))

    assert settings.outside_urls()["chat.hook"] == LOCAL
    assert "chat.page" not in settings.outside_urls()
    with pytest.raises(ValidationError, match=r"chat\.hook; unset NAVERPLACE_CLOCK"):
        Ours(**tree(chat={"hook": "https://example.com"}, clock={"offset_seconds": 1}))


@pytest.mark.parametrize(
    "path", [path for path, field in fields() if path[-1].endswith("url")], ids=".".join
)
def test_a_simulated_clock_is_refused_with_any_single_real_url(path: tuple[str, str]) -> None:
    section, name = path
    real = tree(clock={"offset_seconds": 0.001}, **{section: {name: "https://api.example.com"}})

    with pytest.raises(ValidationError, match=rf"{section}\.{name}; unset NAVERPLACE_CLOCK"):
        Settings(**real)


def test_a_simulated_clock_is_refused_with_the_real_aws() -> None:
    with pytest.raises(ValidationError, match=r"aws\.endpoint_url"):
        Settings(**tree(clock={"offset_seconds": -60}, aws={"endpoint_url": None}))


@pytest.mark.parametrize("host", ["http://127.0.0.1:1", "http://localhost:1", "https://[::1]:1"])
def test_a_simulated_clock_is_taken_on_loopback(host: str) -> None:
    settings = Settings(**tree(clock={"offset_seconds": -60}, telegram={"url": host}))

    assert settings.make_clock().offset.total_seconds() == -60


def test_what_sounds_secret_is_a_secret() -> None:
    words = ("password", "username", "key", "token", "webhook", "access")

    open_names = [
        ".".join(path)
        for path, field in fields()
        if not section_of(field)
        and not is_secret(field)
        and any(word in path[-1] for word in words)
    ]

    assert open_names == []
    assert sum(is_secret(field) for _, field in fields()) >= 9


def test_every_setting_is_described() -> None:
    bare = [".".join(path) for path, f in fields() if not section_of(f) and not f.description]

    assert bare == []
