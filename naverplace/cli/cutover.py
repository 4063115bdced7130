"""`naverplace cutover`, `rollback` and `owners`: who sends for which store, and changing it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from naverplace.cli.console import (
    AsJson,
    plain_errors,
    print_json,
    print_lines,
    print_progress,
    print_table,
)
from naverplace.cli.jobs import Wait
from naverplace.cli.stores import By, Which, login_name, store_table, wanted
from naverplace.settings.loader import load_settings

if TYPE_CHECKING:
    from naverplace.domain.stores import Store
    from naverplace.ledger.store_state import Ownership
    from naverplace.migration.cutover.cutover import Cutover, CutoverResult
    from naverplace.settings.schema import Settings

VerdictFile = Annotated[
    Path | None, typer.Option("--verdict", help="The JSON file of a parity report that says GO.")
]
WithoutGo = Annotated[
    str, typer.Option("--without-go", help="Take over without a GO, and why; it is written down.")
]
LegacyOff = Annotated[
    bool, typer.Option("--legacy-off", help="The legacy was switched off by hand just now.")
]
AlthoughItWouldDie = Annotated[
    bool, typer.Option("--although-it-would-die", help="Hand back to a legacy that sends nothing.")
]
LookAtLegacy = Annotated[
    bool, typer.Option(help="Read what Naver lists, and name what would end the legacy's runs.")
]
Why = Annotated[str, typer.Option(help="Why, for the audit trail.")]

_WOULD_DIE = "the legacy's runs would send nothing, for any store, as long as this is so:"
_OR_ELSE = (
    "Mend or cancel these at Naver first (docs/switch.md), or hand back all the same with "
    "--although-it-would-die. Nothing was changed."
)


def cutover(
    which: Which,
    verdict: VerdictFile = None,
    without_go: WithoutGo = "",
    legacy_off: LegacyOff = False,
    by: By = "",
    wait: Wait = 900.0,
    as_json: AsJson = False,
) -> None:
    """Take stores over from the legacy; refused without a GO. Run again, it goes on."""
    from naverplace.migration.cutover.cutover import CUTOVER

    with plain_errors():
        settings, stores = _asked(which)
        ids = [store.id for store in stores]
        digest, why = _allowed(settings, ids, verdict=verdict, without_go=without_go)
        switching = _switching(settings, what=CUTOVER, by=by, why=why, digest=digest)
        ended = switching.cut_over(ids, legacy_off=legacy_off, wait_seconds=wait)
    _end(ended, as_json=as_json)


def rollback(
    which: Which,
    although_it_would_die: AlthoughItWouldDie = False,
    why: Why = "",
    by: By = "",
    wait: Wait = 900.0,
    as_json: AsJson = False,
) -> None:
    """Hand stores back to the legacy, if it lives. Run again, it goes on where it broke off."""
    from naverplace.base.errors import Permanent
    from naverplace.migration.cutover.cutover import ROLLBACK
    from naverplace.migration.cutover.legacy_check import dangers_to_legacy

    with plain_errors():
        settings, stores = _asked(which)
        dangers = dangers_to_legacy(settings)
        if dangers and not although_it_would_die:
            raise Permanent("\n".join([_WOULD_DIE, *dangers, _OR_ELSE]))
        for danger in dangers:
            print_progress(f"the legacy would die: {danger}")
        if dangers:
            why = f"{why}; although it would die: {len(dangers)} reasons".lstrip("; ")
        switching = _switching(settings, what=ROLLBACK, by=by, why=why)
        ended = switching.roll_back([store.id for store in stores], wait_seconds=wait)
    _end(ended, as_json=as_json)


def owners(look_at_legacy: LookAtLegacy = True, as_json: AsJson = False) -> None:
    """Show who sends for each store, the latest switches, and whether the legacy would live."""
    from naverplace.domain.stores import load_stores
    from naverplace.ledger.store_state import owner_of
    from naverplace.migration.cutover.cutover import read_log
    from naverplace.migration.cutover.legacy_check import dangers_to_legacy

    with plain_errors():
        settings = load_settings()
        known, default = load_stores(settings.stores_file), settings.cutover.default_owner
        table, now = store_table(settings), settings.make_clock().now()
        owned = {s: owner_of(item, default) for s, item in table.read(known).items()}
        log = read_log(table.session)
        has_legacy = settings.cutover.legacy_rule or not all(o.ours for o in owned.values())
        dangers = dangers_to_legacy(settings) if has_legacy and look_at_legacy else []
    rows = [_owner_row(store, owned[store.id], now=now) for store in known.values()]
    if as_json:
        told = {"stores": rows, "switches": log, "the_legacy_would_die": dangers}
        print_json(told, default=int)
        return
    print_table([{name: "" if v is None else v for name, v in row.items()} for row in rows])
    for entry in log[-10:]:
        stores = ", ".join(entry["stores"])
        print_lines(f"{entry['at']} {entry['what']} {stores} by {entry['by']}: {entry['step']}")
    print_lines(*[_WOULD_DIE, *dangers] if dangers else [])


def _owner_row(store: Store, owned: Ownership, *, now: datetime) -> dict[str, Any]:
    return {
        "store_id": store.id,
        "alias": store.alias,
        "owner": owned.owner,
        "epoch": owned.epoch,
        "since": owned.since.isoformat(timespec="seconds") if owned.since else None,
        "by": owned.by,
        "why": owned.why,
        "how": "beside the legacy: reserves" if owned.reserves_at(now) else "",
    }


def _asked(which: Sequence[str]) -> tuple[Settings, list[Store]]:
    from naverplace.domain.stores import load_stores

    settings = load_settings()
    return settings, wanted(which, load_stores(settings.stores_file))


def _allowed(
    settings: Settings, ids: Sequence[str], *, verdict: Path | None, without_go: str
) -> tuple[str, str]:
    """Give the verdict's digest and the reason. Raises SettingsError, Permanent without a GO."""
    from naverplace.base.errors import SettingsError
    from naverplace.cli.document import read_text
    from naverplace.migration.cutover.approval import approval_blockers
    from naverplace.migration.parity.report import read_parity
    from naverplace.redaction.redactor import REDACTOR
    from naverplace.rules.rulebook_version import rules_version

    if without_go.strip():
        return "", f"without a GO: {REDACTOR.scrub(without_go.strip())}"
    if verdict is None:
        raise SettingsError(["give --verdict FILE with a GO, or --without-go REASON"])
    text = read_text(verdict)
    parity = read_parity(text, where=str(verdict))
    wrong = [
        f"{verdict}: {why}"
        for why in approval_blockers(
            parity,
            ids,
            now=settings.make_clock().now(),
            max_age=timedelta(hours=settings.cutover.go_max_age_hours),
            rules_version=rules_version(settings.rules_dir, settings.stores_file),
        )
    ]
    if wrong:
        raise SettingsError(wrong)
    return hashlib.sha256(text.encode()).hexdigest(), f"{parity.verdict} of {parity.made_at}"


def _switching(settings: Settings, *, what: str, by: str, why: str, digest: str = "") -> Cutover:
    from naverplace.migration.cutover.cutover import Cutover
    from naverplace.redaction.redactor import REDACTOR

    return Cutover(
        settings,
        what=what,
        by=REDACTOR.scrub(by or login_name()),
        why=REDACTOR.scrub(why),
        digest=digest,
        progress=print_progress,
    )


def _end(ended: CutoverResult, *, as_json: bool) -> None:
    if as_json:
        print_json(vars(ended))
    else:
        for line in ended.left:
            print_lines(f"left: {line}")
        words = "done" if ended.done else "not done: see what is left, and run it again"
        print_lines(f"{ended.what} of {', '.join(ended.stores)}: {words}")
    raise typer.Exit(0 if ended.done else 1)
