"""What the demo prints: a summary that a shop owner understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from sandbox.demo.checks import Check

KINDS = {"confirmation": "예약확정", "guide": "안내 (출입 정보)", "event": "이벤트"}


def show_run(
    console: Console,
    report: Mapping[str, Any],
    telegram: Sequence[str],
    checks: Sequence[Check],
    seconds: float,
) -> None:
    """Print what the owner got, the messages by store, and every check."""
    for text in telegram:
        console.print(Panel(text, title="Telegram, as the owner reads it", width=90))
    if report:
        console.print(_stores(report))
    for check in checks:
        mark = "[green]✓[/green]" if check.holds else "[bold red]✗[/bold red]"
        tail = "" if check.holds else f" [red]report {check.reported}, seen {check.seen}[/red]"
        console.print(f"  {mark} {check.what}: {check.seen}{tail}")
    console.print(f"  this run took {seconds:.1f} s, with Prefect's own start and end")


def _stores(report: Mapping[str, Any]) -> Table:
    grid = Table("매장", "확정", "이용완료", "보류", *KINDS.values(), title="문자 (매장별)")
    for store in report["stores"]:
        grid.add_row(
            f"{store['alias']} {store['store_id']}",
            str(store["confirmed"]),
            str(store["completed"]),
            str(store["quarantined"]),
            *(str(store["messages"].get(kind, 0) or "·") for kind in KINDS),
        )
    grid.add_section()
    grid.add_row(
        "합계",
        str(report["bookings_confirmed"]),
        str(report["bookings_completed"]),
        str(report["quarantined"]),
        *(str(report["messages"].get(kind, 0)) for kind in KINDS),
    )
    return grid


def show_total(console: Console, results: Sequence[Mapping[str, Any]]) -> bool:
    """Print the last line of the demo, and tell whether every sum balances."""
    broken = [check for result in results for check in result["checks"] if not check.holds]
    sent = [
        sum(result["report"].get("messages", {}).values()) if result["report"] else 0
        for result in results
    ]
    console.rule()
    if broken:
        console.print(f"[bold red]FAILED[/bold red]: {len(broken)} checks do not hold, see ✗ above")
        return False
    console.print(
        f"[bold green]OK[/bold green]: {sent[0]} messages in the first run, {sent[1]} in the "
        "second; nobody got one twice, and every sum balances"
    )
    return True
