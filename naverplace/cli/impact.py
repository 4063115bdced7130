"""`naverplace rules impact`: what a change of the rules would have changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from naverplace.base.translation import gettext as _
from naverplace.cli.console import AsJson, plain_errors, print_json, print_lines, print_table
from naverplace.settings.loader import load_settings

if TYPE_CHECKING:
    from naverplace.jobs.rules_impact import Alarm, Impact, MessageChange
    from naverplace.pipeline.capture.inputs import Inputs
    from naverplace.rules.impact_limits import ImpactLimits
    from naverplace.rules.rulebook import Rulebook
    from naverplace.settings.schema import Settings

SENDER = "0310000000"  # stands for the registered one, on both sides
Days = Annotated[float, typer.Option(min=0.1, help="So many days of captured runs.")]
NewRules = Annotated[
    Path | None,
    typer.Option("--rules", help="The folder of the new rules; else the files that are in use."),
]
Today = Annotated[
    Path | None,
    typer.Option(
        help="The folder of today's rules; else those in use, without --rules the last good ones."
    ),
]
Golden = Annotated[
    Path | None,
    typer.Option(help="A golden set in the place of captured runs; then no secret is needed."),
]
StoresFile = Annotated[
    Path, typer.Option(envvar="NAVERPLACE_STORES_FILE", help="The file of the stores.")
]


def rules_impact(
    days: Days = 14,
    new_rules: NewRules = None,
    today: Today = None,
    golden: Golden = None,
    stores_file: StoresFile = Path("deployments/stores.yaml"),
    as_json: AsJson = False,
) -> None:
    """Play captured runs with today's and the new rules, and say what would be otherwise.

    Ends with 1 when a limit of rules/impact.yaml is exceeded.
    """
    from naverplace.base.errors import SettingsError
    from naverplace.jobs.rules_impact import RulesSide, compare_rules
    from naverplace.settings.sections import QualitySettings

    with plain_errors(), TemporaryDirectory(prefix="naverplace-rulebook-") as folder:
        settings = None if golden and new_rules and today else load_settings()
        if settings:
            new_dir = new_rules or settings.rules_dir
            today = today or (settings.rules_dir if new_rules else _kept(settings, Path(folder)))
            stores_file = settings.stores_file
        else:
            assert new_rules  # noqa: S101 - else the settings were read
            new_dir = new_rules
        if today is None:
            raise SettingsError([_("--rules: say which rules are new: no earlier ones are kept")])
        quality = settings.quality if settings else QualitySettings()
        old, new = (RulesSide(_load(path, stores_file), quality) for path in (today, new_dir))
        found = compare_rules(_runs(golden, settings, days), old, new, _limits(new_dir))
        prices = settings.prices.on(settings.make_clock().now().date()) if settings else {}
    if as_json:
        print_json(found.as_json(prices))
    else:
        print_lines(*_head(found, prices))
        print_table(_rows(found, new.book))
        print_lines(*_samples(found))
    raise typer.Exit(1 if found.exceeded else 0)


def _kept(settings: Settings, folder: Path) -> Path | None:
    from naverplace.cli.stores import store_table
    from naverplace.pipeline.rulebook_in_force import write_kept

    return write_kept(store_table(settings).session, folder)


def _load(rules_dir: Path, stores_file: Path) -> Rulebook:
    from naverplace.rules.rulebook import load_rulebook
    from naverplace.rules.text_sizes import with_sample_access

    return with_sample_access(load_rulebook(rules_dir, stores_file, default_sender=SENDER))


def _limits(rules_dir: Path) -> ImpactLimits:
    from naverplace.base.yaml_nodes import ErrorList
    from naverplace.rules.impact_limits import read_limits

    return read_limits(rules_dir, ErrorList())


def _runs(golden: Path | None, settings: Settings | None, days: float) -> Iterator[Inputs]:
    from naverplace.base.errors import Permanent
    from naverplace.pipeline.capture.bundle_store import open_bundles
    from naverplace.pipeline.capture.golden_set import read_golden

    if golden or settings is None:
        assert golden  # noqa: S101 - without settings there is a golden set
        yield from sorted(read_golden(golden), key=lambda inputs: inputs.now)
        return
    now, count = settings.make_clock().now(), 0
    for bundle in open_bundles(settings).read_all(now=now):
        if bundle.inputs.now >= now - timedelta(days=days):
            count += 1
            yield bundle.inputs
    if not count:
        words = _(
            "no run was captured in the last {days:g} days: set NAVERPLACE_CAPTURE__ENABLED "
            "(docs/capture.md), or name a golden set by --golden"
        )
        raise Permanent(words.format(days=days))


def _head(found: Impact, prices: Mapping[str, float]) -> Iterator[str]:
    from naverplace.reporting.costs import won_words

    if found.since and found.until:
        words = _("{runs} runs from {since} to {until}, decided by today's and the new rules")
        since, until = (f"{at:%Y-%m-%d %H:%M}" for at in (found.since, found.until))
        yield words.format(runs=found.runs, since=since, until=until)
    yield ", ".join(f"{label} {found.counts[one]}" for one, label in _labels().items())
    if (won := found.cost(prices)) is not None:
        sign = "+" if won >= 0 else ""
        yield _("difference in cost: {won}").format(won=f"{sign}{won_words(won)}")
    elif found.types:
        types = ", ".join(f"{name} {n:+}" for name, n in found.types.items())
        yield _("difference in messages: {types}").format(types=types)
    for alarm, messages in found.alarms.items():
        yield f"⚠ {_alarm_words(alarm)}: {len(messages)}"
        yield from (f"  {_line(one.as_json())}" for one in messages[:3])
    for limit in found.exceeded:
        words = _("⛔ more than the limit of rules/impact.yaml: {limit}: {most}")
        yield words.format(limit=limit, most=getattr(found.limits, limit))


def _alarm_words(alarm: Alarm) -> str:
    return {
        "cancelled": _("to bookings that are neither confirmed nor completed"),
        "night": _("at night, from 21:00 to 08:00"),
        "twice": _("twice to one phone within a day"),
    }[alarm.value]


def _labels() -> dict[MessageChange, str]:
    from naverplace.jobs.rules_impact import MessageChange

    return {
        MessageChange.UNCHANGED: _("unchanged"),
        MessageChange.MORE: _("more"),
        MessageChange.FEWER: _("fewer"),
        MessageChange.EARLIER: _("earlier"),
        MessageChange.LATER: _("later"),
        MessageChange.OTHER_TEXT: _("other text"),
    }


def _rows(found: Impact, book: Rulebook) -> list[dict[str, object]]:
    from naverplace.reporting.costs import kind_words

    return [
        {
            _("store"): book.stores[store].alias if store in book.stores else store,
            _("kind"): kind_words(kind),
            **{label: counts[one] for one, label in _labels().items()},
        }
        for (store, kind), counts in sorted(found.by_kind.items())
    ]


def _samples(found: Impact) -> Iterator[str]:
    for one, label in list(_labels().items())[1:]:
        for message in found.samples(one):
            yield f"{label}: {_line(message.as_json())}"


def _line(message: Mapping[str, object]) -> str:
    times = [str(message[side] or "-")[5:16].replace("T", " ") or "-" for side in _SIDES]
    return f"{message['booking']} {message['kind']} {message['to']} {' → '.join(times)}"


_SIDES = ("today", "new")
