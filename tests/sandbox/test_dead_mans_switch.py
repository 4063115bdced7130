"""The dead-man's switch calls once when nobody pings any more, and once when somebody does."""

from __future__ import annotations

import pytest
import requests

from sandbox.dead_mans_switch import PATH
from sandbox.server import Sandbox


def ping(world: Sandbox) -> None:
    assert requests.get(world.urls["ping"] + PATH, timeout=10).text == "OK"


def calls(world: Sandbox) -> list[str]:
    return [message["text"][0] for message in world.world.telegram]


def test_nobody_is_called_while_somebody_pings(world: Sandbox) -> None:
    for _ in range(3):
        ping(world)
        world.world.advance(600)
        world.dead_mans_switch.look()

    assert calls(world) == []


def test_silence_is_called_once_and_its_end_once(world: Sandbox) -> None:
    ping(world)
    for _ in range(3):
        world.world.advance(1000)
        world.dead_mans_switch.look()
    ping(world)
    ping(world)

    assert calls(world) == ["🔴", "🟢"]


def test_who_never_pinged_is_not_called(world: Sandbox) -> None:
    world.world.advance(86400)
    world.dead_mans_switch.look()

    assert (calls(world), world.dead_mans_switch.due) == ([], None)


@pytest.mark.parametrize("path", ["/ping", "/ping/somebody-else"])
def test_another_address_is_nobody(world: Sandbox, path: str) -> None:
    assert requests.get(world.urls["ping"] + path, timeout=10).status_code == 404
