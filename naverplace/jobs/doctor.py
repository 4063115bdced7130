"""Checks of everything a run depends on, none of which sends, writes or logs in."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from naverplace.base.errors import BrowserMissing, LoginFailed, NaverPlaceError, SessionExpired
from naverplace.domain.booking import BookingStatus
from naverplace.domain.effects import CHANNELS, FALLBACK, Channel
from naverplace.ledger.schema import check_tables
from naverplace.messaging.sens import SensClient
from naverplace.naver.booking_client import BookingClient
from naverplace.naver.session import NoBrowser, open_naver_session
from naverplace.pipeline.context import RunContext, open_run
from naverplace.redaction.redactor import REDACTOR, describe
from naverplace.settings.schema import Settings


@dataclass(frozen=True)
class CheckResult:
    """What one check found; `advice` is empty when there is nothing to do."""

    what: str
    ok: bool
    found: str
    advice: str = ""


def run_checks(settings: Settings, *, progress: Callable[[str], None]) -> list[CheckResult]:
    """Run every check, also after one has failed; raises nothing but defects."""
    findings = [CheckResult("settings", True, "complete")]
    rules = "rules, templates, stores"
    try:
        run = open_run(settings, run_id="doctor", door="cli", dry_run=True)
    except NaverPlaceError as error:
        return [*findings, CheckResult(rules, False, describe(error), "mend them")]
    enabled = f"{len(run.stores)} stores, {len(run.rulebook.enabled_names)} rules enabled"
    findings.append(CheckResult(rules, True, enabled))
    for what, check in _CHECKS.items():
        progress(f"checking {what} ...")
        findings.append(_carry_out(what, check, run))
    return findings


def _carry_out(what: str, check: Callable[[RunContext], str], run: RunContext) -> CheckResult:
    try:
        return CheckResult(what, True, REDACTOR.scrub(check(run)))
    except NaverPlaceError as error:
        advice = str(getattr(error, "advice", ""))
        return CheckResult(what, False, REDACTOR.scrub(f"{type(error).__name__}: {error}"), advice)


def _tables(run: RunContext) -> str:
    problems = check_tables(run.settings.aws)
    if problems:
        raise _TablesWrong("; ".join(problems))
    return f"{run.settings.aws.sms_table} and {run.settings.aws.session_table} are there"


class _TablesWrong(NaverPlaceError):
    advice = "naverplace init-tables"


def _browser(run: RunContext) -> str:
    naver = run.settings.naver
    versions = [_version(naver.chromium_path), _version(naver.chromedriver_path)]
    if versions[0].split(".")[0] != versions[1].split(".")[0]:
        raise BrowserMissing(f"Chromium {versions[0]} and its driver {versions[1]} do not match")
    return f"Chromium {versions[0]} and its driver match"


def _version(program: Path) -> str:
    try:
        shown = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise BrowserMissing(f"{program} cannot be started") from error
    return next((word for word in shown.split() if word[0].isdigit()), "?")


def _session(run: RunContext) -> str:
    try:
        session = open_naver_session(
            run.settings,
            table=run.session_table,
            clock=run.clock,
            authenticator=NoBrowser(),
            probe_stores=list(run.stores),
        )
    except (SessionExpired, LoginFailed) as error:
        raise _NotLoggedIn(str(error)) from error
    store_id = next(iter(run.stores))
    count = BookingClient(session, run.settings.naver, run.clock).count(
        store_id, BookingStatus.CONFIRMED
    )
    return f"the stored session works: store {store_id} has {count} confirmed bookings"


class _NotLoggedIn(NaverPlaceError):
    advice = "the next run logs in by itself; to do it now: naverplace login"


def _sens(run: RunContext) -> str:
    SensClient(run.settings.sens, run.clock).check()
    return "keys, signature and service are good"


def _channel(name: Channel) -> Callable[[RunContext], str]:
    def check(run: RunContext) -> str:
        if name not in (*run.rulebook.routing.enabled, FALLBACK):
            return "switched off in rules/notifications.yaml"
        return run.channels[name].check()

    return check


def _clock(run: RunContext) -> str:
    shown = f"{run.clock.now():%Y-%m-%d %H:%M:%S} Asia/Seoul"
    days = run.clock.offset / timedelta(days=1)
    return shown + (f", SIMULATED: {days:+.1f} days" if days else "")


_CHECKS: dict[str, Callable[[RunContext], str]] = {
    "clock": _clock,
    "DynamoDB": _tables,
    "browser": _browser,
    "Naver session": _session,
    "SENS": _sens,
    **{name.capitalize(): _channel(name) for name in CHANNELS},
}
