"""Commands for the engineer on duty: how the stores stand, and letting a stopped one send again."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from naverplace.base.translation import gettext as _
from naverplace.cli.console import AsJson, plain_errors, print_json, print_lines, print_table
from naverplace.settings.loader import load_settings

if TYPE_CHECKING:
    from naverplace.domain.stores import Store
    from naverplace.ledger.phone_counter import PhoneCounter
    from naverplace.ledger.store_lock import StoreStateTable
    from naverplace.ledger.store_state import StoreState
    from naverplace.settings.schema import Settings

Which = Annotated[list[str], typer.Argument(help="Store ids or aliases.", metavar="STORE...")]
Released = Annotated[
    list[str],
    typer.Argument(
        help="Store ids, aliases or phones; all for all stores.", metavar="STORE|all|PHONE..."
    ),
]
ALL = "all"
Hours = Annotated[
    float, typer.Option(min=0.1, max=24 * 14, help="How long what was seen may pass.")
]
By = Annotated[str, typer.Option(help="Who does it; your login name when left out.")]


def stores(as_json: AsJson = False) -> None:
    """Show how each store stands: owner, last reading and batch, breaker, lease, open messages."""
    from naverplace.ledger.run_memory import read_last_read
    from naverplace.pipeline.rulebook_in_force import read_known_stores

    with plain_errors():
        settings = load_settings()
        table = store_table(settings)
        known = read_known_stores(settings, table.session)
        items, read = table.read(known), read_last_read(table.session)
    now = settings.make_clock().now()
    rows = [
        _row(store, items[store.id], settings=settings, now=now) | {"last_read": read.get(store.id)}
        for store in known.values()
    ]
    if as_json:
        print_json({"stores": rows}, default=_to_the_minute)
        return
    print_table(
        [
            {
                _("store"): f"{row['alias']} ({row['store_id']})",
                _("owner"): row["owner"],
                _("last read"): f"{row['last_read']:%m/%d %H:%M}"
                if row["last_read"]
                else _("never"),
                _("usual batch"): _batch_words(row["last_batch"]),
                _("breaker"): _breaker_words(row["breaker"]),
                _("cap"): _("{today} of {day} today{reached}").format(**row["cap"]),
                _("pause"): row["pause"]["words"] if row["pause"] else "",
                _("lease"): _("run {run_id} until {until}").format(**row["lease"])
                if row["lease"]
                else "",
                _("open messages"): row["open_messages"],
            }
            for row in rows
        ]
    )


def release_held(
    which: Released, hours: Hours = 24.0, by: By = "", as_json: AsJson = False
) -> None:
    """Let what the breaker or a cap has stopped be sent after all, for what was seen."""
    from naverplace.base.phone import mask
    from naverplace.ledger.store_lock import release_sending
    from naverplace.pipeline.rulebook_in_force import read_known_stores
    from naverplace.quality import breaker_state
    from naverplace.redaction.redactor import REDACTOR

    with plain_errors():
        settings = load_settings()
        table, now = store_table(settings), settings.make_clock().now()
        known = read_known_stores(settings, table.session)
        phones = [phone for word in which if (phone := _phone(word))]
        words = [word for word in which if not _phone(word)]
        chosen = list(known.values()) if ALL in words else wanted(words, known)
        who = REDACTOR.scrub(by or login_name())
        rows = []
        for store in chosen:
            given = breaker_state.release_store(table, store.id, by=who, now=now, hours=hours)
            passed = release_sending(table, store.id, now=now, hours=hours)
            seen = [given.reason] if given else []
            seen += [f"{passed.run} messages in a run, {passed.day} in a day"] if passed else []
            rows.append(
                {
                    "store_id": store.id,
                    "alias": store.alias,
                    "released": bool(seen),
                    "seen": "; ".join(seen),
                    "until": now + timedelta(hours=hours) if seen else None,
                    "by": who if seen else "",
                }
            )
        counter = phone_counter(settings)
        counted = [{"phone": mask(phone), "released": counter.reset(phone)} for phone in phones]
    if as_json:
        print_json({"stores": rows, "phones": counted}, default=_to_the_minute)
        return
    print_lines(*map(_release_words, rows), *map(_phone_words, counted))


def _phone(word: str) -> str:
    """Read a word as a customer's phone; empty when it is none."""
    from naverplace.base.phone import normalise_phone

    try:
        return normalise_phone(word)
    except ValueError:
        return ""


def phone_counter(settings: Settings) -> PhoneCounter:
    """Open the counters of messages to phones."""
    from naverplace.ledger.phone_counter import open_phone_counter
    from naverplace.messaging.sens import SensClient

    clock = settings.make_clock()
    find = SensClient(settings.sens, clock).find
    return open_phone_counter(settings, store_table(settings).session, clock, find)


def _phone_words(row: Mapping[str, Any]) -> str:
    if row["released"]:
        words = _("{phone}: its count begins anew. The next run sends what is still owed")
    else:
        words = _("{phone}: its cap is not reached, so there is nothing to release")
    return words.format(phone=row["phone"])


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
    from naverplace.domain.stores import named_stores

    return named_stores(which, known)


def login_name() -> str:
    """Name who is typing."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


def _row(store: Store, item: StoreState, *, settings: Settings, now: datetime) -> dict[str, Any]:
    from naverplace.ledger.caps import cap_of, sent_messages
    from naverplace.ledger.store_state import owner_of
    from naverplace.quality.circuit_breaker import BATCH, Baseline, release_in, tripped_in

    last = Baseline.from_map(item.extra.get(BATCH))
    lease, pause = item.holder_at(now), item.pause_at(now)
    cap = cap_of(item.extra, settings.caps, now)
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
        "last_batch": {n: getattr(last, n) for n in ("at", "confirmed", "known", "completed")}
        if last
        else None,
        "breaker": {
            "state": state,
            "since": tripped.since if tripped else None,
            "seen": tripped.seen if tripped else "",
            "released_until": given.until if given else None,
            "released_by": given.by if given else "",
        },
        "cap": {
            "today": cap.today,
            "run": cap.run,
            "day": cap.day,
            "reached": _(", REACHED") if sent_messages(item.extra).reached else "",
        },
        "pause": {**vars(pause), "words": pause.words} if pause else None,
        "lease": {"run_id": lease.run_id, "until": f"{lease.until:%H:%M:%S}"} if lease else None,
        "open_messages": len(item.open),
    }


def _batch_words(last: Mapping[str, Any] | None) -> str:
    if not last:
        return _("none yet")
    return _(
        "{at:%m/%d %H:%M}: {confirmed} confirmed, {known} of them known, {completed} completed"
    ).format(**last)


def _breaker_words(breaker: Mapping[str, Any]) -> str:
    if breaker["state"] == "off":
        return _("off by NAVERPLACE_BREAKER__RELEASED")
    if breaker["state"] == "stopped":
        return _("stopped since {since:%m/%d %H:%M}: {seen}").format(**breaker)
    if breaker["state"] == "released":
        words = _("released until {released_until:%m/%d %H:%M} by {released_by}")
        return words.format(**breaker)
    return _("ok")


def _release_words(row: Mapping[str, Any]) -> str:
    store = f"{row['alias']} ({row['store_id']})"
    if not row["released"]:
        return _(
            "{store}: neither the breaker nor a cap has stopped it, so there is nothing to "
            "release. They stop a store in a real run only, not in a dry run. "
            "For a change that is planned: NAVERPLACE_BREAKER__RELEASED"
        ).format(store=store)
    return _(
        "{store}: released until {until:%m/%d %H:%M} by {by}. Seen: {seen}. "
        "The next run sends, and takes what it finds as usual"
    ).format(**{**row, "store": store})
