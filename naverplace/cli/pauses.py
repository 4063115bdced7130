"""`naverplace pause` and `resume`: nobody gets a message of a store, or of all, for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from naverplace.base.translation import gettext as _
from naverplace.cli.console import AsJson, plain_errors, print_json, print_lines
from naverplace.cli.stores import ALL, login_name, store_table, wanted
from naverplace.settings.loader import load_settings

if TYPE_CHECKING:
    from naverplace.domain.stores import Store
    from naverplace.ledger.store_lock import StoreStateTable
    from naverplace.settings.schema import Settings

Which = Annotated[
    list[str], typer.Argument(help="Store ids or aliases; all for all.", metavar="STORE...|all")
]
Until = Annotated[
    str, typer.Option(help="18:00, '2026-10-22 18:00', +30m, +2h or +1d; else until resume.")
]
Reason = Annotated[str, typer.Option(help="Why; every summary says it.")]
By = Annotated[str, typer.Option(help="Who pauses; your login name when left out.")]


def pause(
    which: Which, until: Until = "", reason: Reason = "", by: By = "", as_json: AsJson = False
) -> None:
    """Send no customer of these stores anything, for a while; what is owed stays owed."""
    from naverplace.base.clock import parse_future
    from naverplace.base.errors import SettingsError
    from naverplace.ledger.pauses import Pause, set_pause
    from naverplace.redaction.redactor import REDACTOR

    with plain_errors():
        settings = load_settings()
        now = settings.make_clock().now()
        try:
            end = parse_future(until, now=now) if until else None
        except ValueError as error:
            raise SettingsError([f"--until: {error}"]) from None
        who = REDACTOR.scrub(by or login_name())
        wanted_pause = Pause(now, end, REDACTOR.scrub(reason.strip()), who)
        table = store_table(settings)
        chosen = _asked(which, settings, table)
        _refuse_the_legacys(table, chosen, settings, all_named=ALL in which)
        if ALL in which:
            table.pause_all(wanted_pause)
        for store in [] if ALL in which else chosen:
            table.change(
                store.id, lambda state: replace(state, extra=set_pause(state.extra, wanted_pause))
            )
        sending = _still_sending(table, chosen, settings)
    shown = {"stores": [ALL] if ALL in which else [s.id for s in chosen], "still_sending": sending}
    if as_json:
        print_json({**shown, **wanted_pause.as_map()})
        return
    words = _("{stores}: {pause}. What is owed stays owed, and is named when its time is over")
    names = _("all stores") if ALL in which else _names(chosen)
    left = _("run {run} may send until {end}, then it notices")
    print_lines(
        words.format(stores=names, pause=wanted_pause.words),
        *(left.format(run=run, end=end) for run, end in sending.items()),
    )


def resume(which: Which, as_json: AsJson = False) -> None:
    """End a pause: the next run sends what is still owed."""
    from naverplace.base.errors import Permanent
    from naverplace.ledger.pauses import pause_in, set_pause

    with plain_errors():
        settings = load_settings()
        table = store_table(settings)
        chosen = _asked(which, settings, table)
        states = table.read(store.id for store in chosen)
        of_all = pause_in(next(iter(states.values())).for_all) if states else None
        ended = {s for s, state in states.items() if pause_in(state.extra)}
        if ALL in which:
            table.pause_all(None)
            ended |= {ALL} if of_all else set()
        elif of_all and of_all.holds_at(settings.make_clock().now()):
            words = _("all stores are {pause}: naverplace resume all")
            raise Permanent(words.format(pause=of_all.words))
        for store_id in ended - {ALL}:
            table.change(store_id, lambda state: replace(state, extra=set_pause(state.extra, None)))
    if as_json:
        print_json({"resumed": sorted(ended)})
        return
    names = {store.id: store.alias for store in chosen} | {ALL: _("all stores")}
    for store_id in sorted(ended):
        words = _("{stores}: the next run sends what is still owed")
        print_lines(words.format(stores=names[store_id]))
    if not ended:
        words = _("{stores}: not paused, so there is nothing to resume")
        print_lines(words.format(stores=_names(chosen)))


def _asked(which: Sequence[str], settings: Settings, table: StoreStateTable) -> list[Store]:
    from naverplace.pipeline.rulebook_in_force import read_known_stores

    known = read_known_stores(settings, table.session)
    return list(known.values()) if ALL in which else wanted(which, known)


def _refuse_the_legacys(
    table: StoreStateTable, chosen: Sequence[Store], settings: Settings, *, all_named: bool
) -> None:
    """Raise Permanent for a store that the legacy sends for: it knows no pause."""
    from naverplace.base.errors import Permanent
    from naverplace.ledger.store_state import owner_of

    states = table.read(store.id for store in chosen)
    default = settings.cutover.default_owner
    theirs = [s for s in chosen if not owner_of(states[s.id], default).ours]
    if theirs and not (all_named and len(theirs) < len(chosen)):
        raise Permanent(
            _(
                "{stores}: the legacy sends there, and knows no pause. Take the stores over "
                "first (naverplace cutover), or disable the legacy's EventBridge rule, which stops "
                "all its stores. Nothing was changed"
            ).format(stores=_names(theirs))
        )
    if theirs:
        words = _("not paused, for the legacy sends there: {stores}")
        print_lines(words.format(stores=_names(theirs)))


def _still_sending(
    table: StoreStateTable, chosen: Sequence[Store], settings: Settings
) -> dict[str, Any]:
    """Name the runs that hold a lease: each looks again when half of its lease is over."""
    now = settings.make_clock().now()
    half = timedelta(seconds=settings.ledger.lease_seconds / 2)
    states = table.read(store.id for store in chosen).values()
    leases = [lease for state in states if (lease := state.holder_at(now))]
    return {lease.run_id: f"{max(lease.until - half, now):%H:%M:%S}" for lease in leases}


def _names(stores: Sequence[Store]) -> str:
    return ", ".join(store.alias for store in stores)
