"""`naverplace optouts`: who refused advertisements by the free 080 number."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from naverplace.base.clock import SEOUL
from naverplace.base.translation import gettext as _
from naverplace.cli.console import AsJson, plain_errors, print_json, print_lines, print_table
from naverplace.settings.loader import load_settings

Phones = Annotated[list[str] | None, typer.Argument(help="Only these phones.", metavar="PHONE...")]


def optouts(phones: Phones = None, as_json: AsJson = False) -> None:
    """List who refused advertisements, and since when, by SENS's own list; the latest first."""
    from naverplace.base.phone import mask
    from naverplace.ledger.scan import digits_of
    from naverplace.messaging.sens import SensClient
    from naverplace.messaging.sens_opt_outs import list_opt_outs

    with plain_errors():
        settings = load_settings()
        clock = settings.make_clock()
        found = list_opt_outs(SensClient(settings.sens, clock), None, clock.now())
    asked = {digits_of(phone) for phone in phones or ()}
    told = [one for one in found if not asked or digits_of(one.phone) in asked]
    told.sort(key=lambda one: one.since.timestamp() if one.since else 0.0, reverse=True)
    if as_json:
        rows = [{"phone": mask(one.phone), "since": one.since} for one in told]
        print_json({"opted_out": rows}, default=_plain)
        return
    words = _("{count} numbers refused advertisements (080)")
    print_lines(words.format(count=len(told)))
    print_table(
        [{_("phone"): mask(one.phone), _("since"): _plain(one.since)} for one in told],
    )


def _plain(moment: datetime | None) -> str:
    return moment.astimezone(SEOUL).strftime("%Y-%m-%d %H:%M") if moment else "?"
