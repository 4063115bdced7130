"""`naverplace forecast`: what will be sent in the next hours, to whom, and for how much."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from naverplace.base.translation import gettext as _
from naverplace.cli.console import AsJson, plain_errors, print_json, print_lines, print_table
from naverplace.settings.loader import load_settings

if TYPE_CHECKING:
    from naverplace.pipeline.look_ahead import ForecastResult

Hours = Annotated[float, typer.Option(min=0.1, max=168, help="So many hours ahead.")]
Stores = Annotated[list[str] | None, typer.Option("--store", help="Only this store, id or alias.")]


def forecast(hours: Hours = 24, store: Stores = None, as_json: AsJson = False) -> None:
    """Say what will be sent, when, and what it costs, if nothing changes; sends nothing."""
    from naverplace.pipeline.look_ahead import look_ahead

    with plain_errors():
        settings = load_settings()
        found = look_ahead(settings, hours=hours, only=store or [])
    if as_json:
        print_json(
            {
                "now": found.now.isoformat(),
                "until": found.until.isoformat(),
                "messages": found.rows(),
                "won": found.won,
                "unread": found.unread,
            }
        )
        return
    print_lines(*_head(found))
    print_table([_shown(row) for row in found.rows()])


def _head(found: ForecastResult) -> Iterator[str]:
    from naverplace.reporting.costs import won_words

    words = _("{now} to {until}: {count} messages will be sent{cost}, if no booking changes")
    yield words.format(
        now=f"{found.now:%m/%d %H:%M}",
        until=f"{found.until:%m/%d %H:%M}",
        count=len(found.messages),
        cost="" if found.won is None else f" ({won_words(found.won)})",
    )
    for store_id, why in found.unread.items():
        alias = found.aliases.get(store_id, store_id)
        yield _("{store}: not known ({why})").format(store=alias, why=why)


def _shown(row: dict[str, object]) -> dict[str, object]:
    from naverplace.reporting.costs import kind_words

    at = str(row["at"])
    return {
        _("time"): f"{at[5:10].replace('-', '/')} {at[11:16]}",
        _("store"): row["alias"],
        _("kind"): kind_words(str(row["kind"])),
        _("booking"): str(row["booking"]).partition("_")[2],
        _("to"): row["to"],
        _("type"): row["type"],
    }
