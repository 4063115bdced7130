"""Commands for the engineer on duty: how the stores stand, and letting a stopped one send again."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from naverplace.cli.console import AsJson, plain_errors, print_json, print_lines, print_table
from naverplace.settings.loader import load_settings

if TYPE_CHECKING:
    from naverplace.domain.stores import Store
    from naverplace.ledger.store_lock import StoreStateTable
    from naverplace.ledger.store_state import StoreState
    from naverplace.settings.schema import Settings

Which = Annotated[list[str], typer.Argument(help="Store ids or aliases.", metavar="STORE...")]
Hours = Annotated[
    float, typer.Option(min=0.1, max=24 * 14, help="How long what was seen may pass.")
]
By = Annotated[str, typer.Option(help="Who has looked; your login name when left out.")]


def stores(as_json: AsJson = False) -> None:
    """Show how each store stands: owner, last batch, breaker, lease, open messages."""
    from naverplace.domain.stores import load_stores

    with plain_errors():
        settings = load_settings()
        known = load_stores(settings.stores_file)
        items = store_table(settings).read(known)
    now = settings.make_clock().now()
    rows = [_row(store, items[store.id], settings=settings, now=now) for store in known.values()]
    if as_json:
        print_json({"stores": rows}, default=_to_the_minute)
        return
    print_table(
        [
            {
                "store": f"{row['alias']} ({row['store_id']})",
                "owner": row["owner"],
                "last batch": _batch_words(row["last_batch"]),
                "breaker": _breaker_words(row["breaker"]),
                "lease": "run {run_id} until {until}".format(**row["lease"])
                if row["lease"]
                else "",
                "open messages": row["open_messages"],
            }
            for row in rows
        ]
    )


def release_breaker(
    which: Which, hours: Hours = 24.0, by: By = "", as_json: AsJson = False
) -> None:
    """Let a store that the breaker has stopped send again, for what was seen and for some hours."""
    from naverplace.domain.stores import load_stores
    from naverplace.quality import breaker_state
    from naverplace.redaction.redactor import REDACTOR

    with plain_errors():
        settings = load_settings()
        known = load_stores(settings.stores_file)
        chosen = wanted(which, known)
        table, now = store_table(settings), settings.make_clock().now()
        who = REDACTOR.scrub(by or login_name())
        rows = []
        for store in chosen:
            given = breaker_state.release_store(table, store.id, by=who, now=now, hours=hours)
            rows.append(
                {
                    "store_id": store.id,
                    "alias": store.alias,
                    "released": given is not None,
                    "seen": given.seen if given else "",
                    "until": given.until if given else None,
                    "by": given.by if given else "",
                }
            )
    if as_json:
        print_json({"stores": rows}, default=_to_the_minute)
        return
    print_lines(*map(_release_words, rows))


def _to_the_minute(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")


def store_table(settings: Settings) -> StoreStateTable:
    """Open the stores' own items."""
    from naverplace.aws.dynamodb import open_dynamodb
    from naverplace.aws.table import StateTable
    from naverplace.ledger.store_lock import StoreStateTable

    return StoreStateTable(StateTable(open_dynamodb(settings.aws), settings.aws.session_table))


def wanted(which: Sequence[str], known: Mapping[str, Store]) -> list[Store]:
    """Find the stores by id or alias. Raises SettingsError with every word that names none."""
    from naverplace.base.errors import SettingsError
    from naverplace.base.registry import suggest_nearest

    named = {**{store.alias: store for store in known.values()}, **known}
    unknown = [word for word in which if word not in named]
    if unknown:
        raise SettingsError(
            [f"unknown store {w!r}; {suggest_nearest(w, list(named))}" for w in unknown]
        )
    return list({named[word].id: named[word] for word in which}.values())


def login_name() -> str:
    """Name who is typing."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


def _row(store: Store, item: StoreState, *, settings: Settings, now: datetime) -> dict[str, Any]:
    from naverplace.ledger.store_state import owner_of
    from naverplace.quality.circuit_breaker import BATCH, Baseline, release_in, tripped_in

    last = Baseline.from_map(item.extra.get(BATCH))
    lease = item.holder_at(now)
    tripped, given = tripped_in(item.extra), release_in(item.extra, now=now)
    state = "stopped" if tripped else "ok"
    if store.id in settings.breaker.released:
        state = "off"
    elif tripped and given and tripped.kinds <= given.kinds:
        state = "released"
    return {
        "store_id": store.id,
        "alias": store.alias,
        "owner": owner_of(item, settings.cutover.default_owner).owner,
        "last_batch": {
            "at": last.at,
            "confirmed": last.confirmed,
            "known": last.known,
            "completed": last.completed,
        }
        if last
        else None,
        "breaker": {
            "state": state,
            "since": tripped.since if tripped else None,
            "seen": tripped.seen if tripped else "",
            "released_until": given.until if given else None,
            "released_by": given.by if given else "",
        },
        "lease": {"run_id": lease.run_id, "until": f"{lease.until:%H:%M:%S}"} if lease else None,
        "open_messages": len(item.open),
    }


def _batch_words(last: Mapping[str, Any] | None) -> str:
    if not last:
        return "none yet"
    return (
        f"{last['at']:%m/%d %H:%M}: {last['confirmed']} confirmed, {last['known']} of them known, "
        f"{last['completed']} completed"
    )


def _breaker_words(breaker: Mapping[str, Any]) -> str:
    if breaker["state"] == "off":
        return "off by NAVERPLACE_BREAKER__RELEASED"
    if breaker["state"] == "stopped":
        return "stopped since {since:%m/%d %H:%M}: {seen}".format(**breaker)
    if breaker["state"] == "released":
        return "released until {released_until:%m/%d %H:%M} by {released_by}".format(**breaker)
    return "ok"


def _release_words(row: Mapping[str, Any]) -> str:
    store = f"{row['alias']} ({row['store_id']})"
    if not row["released"]:
        return (
            f"{store}: the breaker has not stopped it, so there is nothing to release. "
            "It stops a store in a real run only, not in a dry run. "
            "For a change that is planned: NAVERPLACE_BREAKER__RELEASED"
        )
    return (
        f"{store}: released until {row['until']:%m/%d %H:%M} by {row['by']}. Seen: {row['seen']}. "
        "The next run sends, and takes what it finds as usual"
    )
