"""The Slack client against the sandbox's webhook."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest
from pydantic import SecretStr

from naverplace.base.errors import OutcomeUnknown, Permanent, Refused, Throttled
from naverplace.messaging.slack import BLOCKS, SECTION, Slack
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.delivery_builders import quick


@pytest.fixture
def slack(settings: Settings) -> Slack:
    return a_hook(settings)


def a_hook(settings: Settings, **changes: Any) -> Slack:
    return Slack(quick(settings).slack.model_copy(update=changes))


def payloads(world: Sandbox) -> list[dict[str, Any]]:
    return [json.loads(seen.body) for seen in world.world.requests if seen.service == "slack"]


def shown(payload: dict[str, Any]) -> list[str]:
    return [block["text"]["text"] for block in payload["blocks"]]


def test_a_text_is_shown_as_it_is_and_escaped_where_markup_is_read(
    world: Sandbox, slack: Slack
) -> None:
    slack.send("김 & 이 <하나> *둘*")

    (payload,) = payloads(world)
    assert payload["text"] == "김 &amp; 이 &lt;하나&gt; *둘*"
    assert shown(payload) == ["김 & 이 <하나> *둘*"]
    assert payload["blocks"][0]["text"]["type"] == "plain_text"
    assert len(world.world.slack) == 1


def test_a_text_that_is_too_long_for_a_section_is_cut_at_line_ends(
    world: Sandbox, slack: Slack
) -> None:
    text = "\n".join(["가" * 100] * 50)

    slack.send(text)

    first, second = shown(payloads(world)[0])
    assert len(first) <= SECTION
    assert f"{first}\n{second}" == text


def test_more_blocks_than_a_message_holds_go_out_as_several(world: Sandbox, slack: Slack) -> None:
    sections = [f"{n} ".ljust(SECTION, "가") for n in range(120)]

    slack.send("\n".join(sections))

    assert [len(payload["blocks"]) for payload in payloads(world)] == [BLOCKS, BLOCKS, 20]
    assert [text for p in payloads(world) for text in shown(p)] == sections


@pytest.mark.parametrize("state", ["no_service", "channel_is_archived", "action_prohibited"])
def test_a_webhook_that_is_not_alive_is_refused(state: str, world: Sandbox, slack: Slack) -> None:
    world.world.hook.state = state

    for act in (slack.check, lambda: slack.send("하나")):
        with pytest.raises(Refused, match=state) as error:
            act()
        assert error.value.code == state


@pytest.mark.parametrize("kind", ["html"])
def test_a_yes_with_another_body_than_ok_is_a_refusal(
    kind: str, world: Sandbox, slack: Slack
) -> None:
    world.world.faults.append(Fault("slack", "", kind))

    with pytest.raises(Refused):
        slack.send("하나")


@pytest.mark.parametrize(
    "kind", ["timeout_before", "timeout_after", "drop_before", "drop_after", "status:500"]
)
def test_what_may_have_been_taken_is_not_sent_again(
    kind: str, world: Sandbox, settings: Settings
) -> None:
    world.world.faults.append(Fault("slack", "", kind, times=None))

    with pytest.raises(OutcomeUnknown):
        a_hook(settings, timeout=0.5).send("하나")

    assert len(payloads(world)) == 1


def test_half_of_a_message_counts_as_unknown(world: Sandbox, slack: Slack) -> None:
    world.world.faults.append(Fault("slack", "", "status:403", after=1))
    text = "\n".join(["가" * SECTION] * (BLOCKS + 1))

    with pytest.raises(OutcomeUnknown, match="only 1 of 2"):
        slack.send(text)


def test_a_wait_that_slack_asks_for_is_kept(world: Sandbox, slack: Slack) -> None:
    world.world.faults.append(Fault("slack", "", "status:429", value=1))

    slack.send("하나")

    first, second = [seen.at for seen in world.world.requests if seen.service == "slack"]
    assert (second - first).total_seconds() >= 1


def test_a_wait_that_is_too_long_is_not_kept(world: Sandbox, slack: Slack) -> None:
    world.world.faults.append(Fault("slack", "", "status:429", value=3600))

    with pytest.raises(Throttled):
        slack.send("하나")


def test_a_check_posts_nothing(world: Sandbox, slack: Slack) -> None:
    slack.check()

    assert world.world.slack == []


def test_no_error_holds_the_webhooks_address(world: Sandbox, slack: Slack) -> None:
    world.world.faults.append(Fault("slack", "", "drop_before"))
    assert slack.settings.webhook_url is not None

    with pytest.raises(OutcomeUnknown) as error:
        slack.send("하나")

    assert "/services/" not in "".join(traceback.format_exception(error.value))


def test_without_a_webhook_nothing_can_be_sent(settings: Settings) -> None:
    with pytest.raises(Permanent, match="WEBHOOK_URL"):
        a_hook(settings, webhook_url=None).send("하나")


def test_an_address_that_is_none_is_refused_without_quoting_it(
    world: Sandbox, settings: Settings
) -> None:
    with_a_blank = SecretStr(f"{world.urls['slack']}/services/secret hook")

    with pytest.raises(Permanent, match="address") as error:
        a_hook(settings, webhook_url=with_a_blank).send("하나")

    assert "secret" not in str(error.value)


def test_an_empty_text_is_refused_before_it_is_sent(world: Sandbox, slack: Slack) -> None:
    with pytest.raises(Refused):
        slack.send(" ")

    assert payloads(world) == []
