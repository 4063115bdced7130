"""`naverplace bundles`: what was captured, to look at, to remove, to make golden sets of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from naverplace.cli.console import AsJson, plain_errors, print_json, print_lines
from naverplace.settings.loader import load_settings

if TYPE_CHECKING:
    from naverplace.pipeline.capture.bundle import Bundle
    from naverplace.pipeline.capture.bundle_store import Bundles

Name = Annotated[str, typer.Argument(help="A bundle's name, as `list` shows it.", metavar="NAME")]
Out = Annotated[Path, typer.Argument(help="Where to write the golden set.", metavar="FILE")]
Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only runs from this day on.")
]
KeepDays = Annotated[
    float | None, typer.Option(min=0, help="Expire after so many days, not with its last bundle.")
]

bundles_app = typer.Typer(help="Look at captured runs, and make golden sets.", no_args_is_help=True)


@bundles_app.command("list")
def list_bundles(as_json: AsJson = False) -> None:
    """List the bundles, the oldest first."""
    from naverplace.pipeline.capture.bundle_store import expiry_of

    with plain_errors():
        names = _open()[0].names()
        rows = [{"name": name, "expires": expiry_of(name).isoformat()} for name in names]
    if as_json:
        print_json({"bundles": rows})
        return
    print_lines(*names, f"{len(names)} bundles")


@bundles_app.command("show")
def show_bundle(name: Name, as_json: AsJson = False) -> None:
    """Show what a bundle holds, in figures."""
    from naverplace.pipeline.capture.bundle import sums

    with plain_errors():
        bundle = _open()[0].read(name)
    told = sums(bundle)
    if as_json:
        print_json(told)
        return
    print_lines(*(f"{what:16} {value}" for what, value in told.items()))


@bundles_app.command("expire")
def expire(as_json: AsJson = False) -> None:
    """Remove every bundle whose time is over; runs that are captured do it, too."""
    with plain_errors():
        bundles, now = _open()
        count = bundles.remove_expired(now=now)
    if as_json:
        print_json({"removed": count})
        return
    print_lines(f"removed: {count}")


@bundles_app.command("golden")
def golden(file: Out, since: Since = None, keep_days: KeepDays = None) -> None:
    """Make a golden set of all bundles that have not expired; it expires with the last of them."""
    from naverplace.base.clock import SEOUL
    from naverplace.base.errors import Permanent
    from naverplace.pipeline.capture.bundle import golden_from
    from naverplace.pipeline.capture.bundle_store import expiry_of
    from naverplace.pipeline.capture.golden_set import write_golden

    with plain_errors():
        bundles, now = _open()
        first = since.replace(tzinfo=SEOUL) if since else datetime.min.replace(tzinfo=UTC)
        names = [name for name in bundles.names() if expiry_of(name) > now]
        if not names:
            raise Permanent("there is no bundle to make a golden set of; see docs/capture.md")
        last = max(map(expiry_of, names))
        expires = last if keep_days is None else now + timedelta(days=keep_days)
        wanted: Iterator[Bundle] = (b for b in map(bundles.read, names) if b.inputs.now >= first)
        count = write_golden(file, golden_from(wanted), expires=expires)
        file.chmod(0o600)  # as its bundles are
    print_lines(f"{file}: {count} runs, until {expires:%Y-%m-%d}")


def _open() -> tuple[Bundles, datetime]:
    from naverplace.pipeline.capture.bundle_store import open_bundles

    settings = load_settings()
    return open_bundles(settings), settings.make_clock().now()
