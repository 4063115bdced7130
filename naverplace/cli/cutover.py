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
    out,
    plain_errors,
    print_json,
    print_lines,
    print_progress,
)
from naverplace.settings.loader import load_settings

if TYPE_CHECKING:
    from naverplace.domain.stores import Store
    from naverplace.ledger.store_state import Ownership
    from naverplace.migration.cutover.cutover import Cutover, CutoverResult
    from naverplace.settings.schema import Settings

Which = Annotated[list[str], typer.Argument(help="Store ids or aliases.", metavar="STORE...")]
VerdictFile = Annotated[
    Path | None, typer.Option("--verdict", help="The JSON file of a parity report that says GO.")
]
WithoutGo = Annotated[
    str, typer.Option("--without-go", help="Take over without a GO, and why; it is written down.")
]
LegacyOff = Annotated[
    bool, typer.Option("--legacy-off", help="The legacy was switched off by hand just now.")
]
By = Annotated[str, typer.Option(help="Who switches; your login name when left out.")]
Why = Annotated[str, typer.Option(help="Why, for the audit trail.")]
Wait = Annotated[
    float, typer.Option(min=0, help="Seconds to wait at most for what is not certain yet.")
]


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
    which: Which, why: Why = "", by: By = "", wait: Wait = 900.0, as_json: AsJson = False
) -> None:
    """Hand stores back to the legacy. Run again, it goes on where it broke off."""
    from naverplace.migration.cutover.cutover import ROLLBACK

    with plain_errors():
        settings, stores = _asked(which)
        switching = _switching(settings, what=ROLLBACK, by=by, why=why)
        ended = switching.roll_back([store.id for store in stores], wait_seconds=wait)
    _end(ended, as_json=as_json)


def owners(as_json: AsJson = False) -> None:
    """Show who sends for each store, since when, by whom and why, and the latest switches."""
    from rich.table import Table

    from naverplace.cli.stores import store_table
    from naverplace.domain.stores import load_stores
    from naverplace.ledger.store_state import owner_of
    from naverplace.migration.cutover.audit_log import CutoverLog

    with plain_errors():
        settings = load_settings()
        known = load_stores(settings.stores_file)
        table = store_table(settings)
        items, default = table.read(known), settings.cutover.default_owner
        log = CutoverLog(table.session).entries()
    now = settings.make_clock().now()
    rows = [owner_row(s, owner_of(items[s.id], default), now=now) for s in known.values()]
    if as_json:
        print_json({"stores": rows, "switches": log}, default=int)
        return
    grid = Table("store", "owner", "epoch", "since", "by", "why", "how")
    for row in rows:
        grid.add_row(
            f"{row['alias']} ({row['store_id']})",
            *(str(row[name] or "") for name in ("owner", "epoch", "since", "by", "why", "how")),
        )
    out.print(grid)
    for entry in log[-10:]:
        stores = ", ".join(entry["stores"])
        line = f"{entry['at']} {entry['what']} {stores} by {entry['by']}: {entry['step']}"
        print_lines(line)


def owner_row(store: Store, owned: Ownership, *, now: datetime) -> dict[str, Any]:
    """Tell who owns a store, as plain JSON values."""
    how = "beside the legacy: reserves" if owned.reserves_at(now) else ""
    return {
        "store_id": store.id,
        "alias": store.alias,
        "owner": owned.owner,
        "epoch": owned.epoch,
        "since": owned.since.isoformat(timespec="seconds") if owned.since else None,
        "by": owned.by,
        "why": owned.why,
        "how": how,
    }


def _asked(which: Sequence[str]) -> tuple[Settings, list[Store]]:
    from naverplace.cli.stores import wanted
    from naverplace.domain.stores import load_stores

    settings = load_settings()
    return settings, wanted(which, load_stores(settings.stores_file))


def _allowed(
    settings: Settings, ids: Sequence[str], *, verdict: Path | None, without_go: str
) -> tuple[str, str]:
    """Give the verdict's digest and the reason; raises SettingsError when there is no GO."""
    from naverplace.base.errors import SettingsError
    from naverplace.migration.cutover.approval import approval_blockers, read_verdict
    from naverplace.pipeline.capture.versions import rules_version
    from naverplace.redaction.redactor import REDACTOR

    if without_go.strip():
        return "", f"without a GO: {REDACTOR.scrub(without_go.strip())}"
    if verdict is None:
        raise SettingsError(["give --verdict FILE with a GO, or --without-go REASON"])
    try:
        content = verdict.read_bytes()
        found = read_verdict(content.decode())
        against = approval_blockers(
            found,
            ids,
            now=settings.make_clock().now(),
            max_age=timedelta(hours=settings.cutover.go_max_age_hours),
            rules_version=rules_version(settings.rules_dir),
        )
        wrong = [f"{verdict}: {why}" for why in against]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError([f"{verdict}: not a parity report ({error})"]) from error
    if wrong:
        raise SettingsError(wrong)
    return hashlib.sha256(content).hexdigest(), f"{found.verdict} of {found.made_at}"


def _switching(settings: Settings, *, what: str, by: str, why: str, digest: str = "") -> Cutover:
    from naverplace.cli.stores import login_name
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
