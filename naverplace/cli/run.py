"""`naverplace run` and `explain`: one run by hand, and why a booking is owed what it is."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer

from naverplace.base.errors import SettingsError
from naverplace.base.translation import gettext as _
from naverplace.cli.console import (
    AsJson,
    plain_errors,
    print_in_full,
    print_json,
    print_lines,
    print_progress,
)
from naverplace.cli.stores import login_name
from naverplace.settings.loader import load_settings


def run(
    dry_run: Annotated[bool, typer.Option(help="Decide and report, but send nothing.")] = False,
    store: Annotated[list[str] | None, typer.Option(help="Only this store, id or alias.")] = None,
    as_json: AsJson = False,
) -> None:
    """Do one run now, without a Prefect server."""
    from naverplace.pipeline.local_runner import run_once
    from naverplace.reporting.summary import for_engineer

    with plain_errors():
        report = run_once(
            load_settings(),
            run_id=f"cli-{uuid.uuid4()}",
            door="cli",
            dry_run=dry_run,
            only=store or [],
            progress=print_progress,
        )
    if as_json:
        print_json(report.as_json())
    else:
        print_lines(for_engineer(report))
    raise typer.Exit(0 if report.status == "success" else 1)


def contact(
    booking: Annotated[str, typer.Argument(help="A booking, as 1051707_1000000001.")],
    reason: Annotated[
        str, typer.Option(prompt="Why do you need the number?", help="Why, for the audit trail.")
    ],
    by: Annotated[str, typer.Option(help="Who asks; your login name when left out.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show name and phone of a booking's customer in full, and note who asked, when and why."""
    from naverplace.jobs.contact import show_contact

    with plain_errors():
        if not reason.strip():
            raise SettingsError([_("--reason: must say why the number is needed")])
        shown = show_contact(load_settings(), booking, by=by or login_name(), reason=reason)
    if as_json:
        print_json(shown.as_json(), in_full=True)
        return
    others = [phone for phone in shown.ledger_phones if phone != shown.phone]
    print_in_full(
        _("{booking} ({store}), starts {start}").format(
            booking=shown.booking, store=shown.store, start=shown.start
        ),
        _("name:  {name}").format(name=shown.name),
        _("phone: {phone} (from {source})").format(phone=shown.phone, source=shown.source),
        *(_("messages also went to {phone}").format(phone=phone) for phone in others),
        *([shown.note] if shown.note else []),
        _("noted in the audit trail"),
    )


def explain(
    who: Annotated[
        list[str],
        typer.Argument(
            help="A booking: 1051707_1000000001, store and number, a phone, or a name.",
            metavar="WHO",
        ),
    ],
    at: Annotated[
        str, typer.Option(help="Ask about another moment: 18:00, '2026-10-22 18:00', +2h.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Say what became of a booking's messages, what every rule says, and until when; sends nothing.

    For each condition it tells the answer, what that rests on, and when it changes.
    """
    from naverplace.base.clock import parse_moment
    from naverplace.pipeline.explain import explain_booking

    with plain_errors():
        settings = load_settings()
        try:
            moment = parse_moment(at, now=settings.make_clock().now()) if at else None
        except ValueError as error:
            raise SettingsError([f"--at: {error}"]) from None
        explanation = explain_booking(settings, " ".join(who), at=moment)
    if as_json:
        print_json(explanation.as_json())
    else:
        print_lines(*explanation.lines())
