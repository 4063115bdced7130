"""`naverplace cost`: what the text messages of a month or a day cost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from naverplace.base.clock import SEOUL
from naverplace.base.translation import gettext as _
from naverplace.cli.console import AsJson, plain_errors, print_json, print_lines, print_table
from naverplace.settings.loader import load_settings

if TYPE_CHECKING:
    from naverplace.jobs.message_costs import MessageCosts

A_LITTLE = 40  # bytes: so much a person can take out of a text

Month = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m"], help="This month; the current one if left out."),
]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only this day.")]


def cost(month: Month = None, day: Day = None, as_json: AsJson = False) -> None:
    """Say what the text messages cost, by store, kind and type; by SENS's own log."""
    from naverplace.base.errors import SettingsError
    from naverplace.jobs.message_costs import read_costs

    with plain_errors():
        if month and day:
            raise SettingsError(["--day: say a month or a day, not both"])
        settings = load_settings()
        since, until = _span(month, day, settings.make_clock().now())
        costs = read_costs(settings, since, until)
    if as_json:
        print_json(costs.as_json())
        return
    print_lines(*_head(costs))
    print_table(_rows(costs))
    print_lines(*_hints(costs))


def _span(month: datetime | None, day: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Give the beginning and the end of the Korean month or day; neither lies ahead."""
    if day:
        since = day.replace(tzinfo=SEOUL)
        until = since + timedelta(days=1)
    else:
        since = (month or now).replace(tzinfo=SEOUL) if month else now.astimezone(SEOUL)
        since = since.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        until = (since + timedelta(days=32)).replace(day=1)
    return since, min(until, max(now.astimezone(SEOUL), since))


def _head(costs: MessageCosts) -> Iterator[str]:
    from naverplace.reporting.costs import won_words

    yield _("{since} to {until}: {count} messages, {won}").format(
        since=f"{costs.since:%Y-%m-%d}",
        until=f"{costs.until - timedelta(seconds=1):%Y-%m-%d}",
        count=sum(line.count for line in costs.lines),
        won=won_words(costs.won),
    )
    unpriced = sum(line.unpriced for line in costs.lines)
    if not costs.prices:
        yield _(
            "the prices are not known: write those of the console of Naver Cloud into "
            "NAVERPLACE_PRICES__SMS and NAVERPLACE_PRICES__LMS"
        )
    elif unpriced:
        words = _("{count} of them are not in the amount: no price is known for them ({since})")
        yield words.format(count=unpriced, since=costs.prices_since or "?")
    if failed := sum(line.failed for line in costs.lines):
        yield _("{count} that did not arrive are in the amount, too").format(count=failed)


def _rows(costs: MessageCosts) -> list[dict[str, object]]:
    from naverplace.reporting.costs import kind_words, won_words

    order = [*costs.aliases, ""]
    lines = sorted(
        costs.lines, key=lambda line: order.index(line.store_id) if line.store_id in order else 0
    )
    return [
        {
            _("store"): costs.aliases.get(line.store_id, line.store_id) or _("sent by others"),
            _("kind"): kind_words(line.kind) or "-",
            _("type"): line.message_type or "?",
            _("messages"): line.count,
            _("amount"): won_words(line.won) if line.unpriced < line.count else "?",
        }
        for line in lines
    ]


def _hints(costs: MessageCosts) -> Iterator[str]:
    """Name the texts that are an LMS by a few bytes only, and what shortening them is worth."""
    from naverplace.reporting.costs import won_words

    saved = costs.prices.get("LMS", 0) - costs.prices.get("SMS", 0)
    for text in costs.long_texts:
        if text.over > A_LITTLE:
            continue
        hint = (
            _("{template} ({store}): {over} bytes less, without its subject, make it an SMS")
            if text.subject_bytes
            else _("{template} ({store}): {over} bytes less make it an SMS")
        )
        store = costs.aliases.get(text.store_id, text.store_id)
        line = hint.format(template=text.template, store=store, over=text.over)
        worth = _("; each costs {won} less").format(won=won_words(saved)) if saved > 0 else ""
        yield line + worth
