"""Checks of everything a run depends on, none of which sends, writes or logs in."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from naverplace.base.errors import BrowserMissing, LoginFailed, NaverPlaceError, SessionExpired
from naverplace.base.files import try_folder
from naverplace.base.translation import gettext as _
from naverplace.base.translation import gettext_noop as N_
from naverplace.domain.booking import BookingStatus
from naverplace.domain.effects import CHANNELS, FALLBACK, Channel
from naverplace.ledger.schema import check_protection, check_tables
from naverplace.messaging.sens import SensClient
from naverplace.naver.booking_client import BookingClient
from naverplace.naver.browser import has_sandbox, other_people
from naverplace.naver.session import open_naver_session
from naverplace.pipeline.context import RunContext, open_run
from naverplace.redaction.redactor import REDACTOR, describe
from naverplace.redaction.weak_codes import ADVICE, weak_secrets
from naverplace.settings.schema import Settings


@dataclass(frozen=True)
class CheckResult:
    """What one check found; `advice` is empty when there is nothing to do.

    With advice although `ok`, it is a warning: it works, and should be otherwise.
    """

    what: str
    ok: bool
    found: str
    advice: str = ""


def run_checks(settings: Settings, *, progress: Callable[[str], None]) -> list[CheckResult]:
    """Run every check, also after one has failed; raises nothing but defects."""
    findings = [CheckResult(_("settings"), True, _("complete"))]
    rules = _("rules, templates, stores")
    try:
        run = open_run(settings, run_id="doctor", door="cli", dry_run=True)
    except NaverPlaceError as error:
        return [*findings, CheckResult(rules, False, describe(error), _("mend them"))]
    enabled = _("{stores} stores, {rules} rules enabled").format(
        stores=len(run.stores), rules=len(run.rulebook.enabled_names)
    )
    version = run.rulebook_version
    found = "\n".join((f"{enabled}; {version.worded()}", *version.mistakes))
    advice = _("mend them, and try: naverplace rules check") if version.refused else ""
    findings.append(CheckResult(rules, not version.refused, found, advice))
    for what, check in _CHECKS.items():
        progress(_("checking {what} ...").format(what=_(what)))
        findings.append(_carry_out(_(what), check, run))
    return findings


def _carry_out(what: str, check: Callable[[RunContext], str], run: RunContext) -> CheckResult:
    try:
        return CheckResult(what, True, REDACTOR.scrub(check(run)))
    except NaverPlaceError as error:
        advice, ok = str(getattr(error, "advice", "")), getattr(error, "ok", False)
        return CheckResult(what, ok, REDACTOR.scrub(f"{type(error).__name__}: {error}"), advice)


class _NotReady(NaverPlaceError):
    def __init__(self, found: str, advice: str, *, ok: bool = False) -> None:
        super().__init__(found)
        self.advice, self.ok = advice, ok  # ok: it works, and should be otherwise


def _tables(run: RunContext) -> str:
    problems = check_tables(run.settings.aws)
    if problems:
        words = _("correct its name in the settings, or create it: naverplace init-tables")
        raise _NotReady("; ".join(problems), words)
    aws = run.settings.aws
    shown = _("{sms} and {session} are there").format(sms=aws.sms_table, session=aws.session_table)
    if lacking := check_protection(aws):
        raise _NotReady("; ".join((shown, *lacking)), "naverplace init-tables", ok=True)
    return shown


def _browser(run: RunContext) -> str:
    naver = run.settings.naver
    versions = [_version(naver.chromium_path), _version(naver.chromedriver_path)]
    if versions[0].split(".")[0] != versions[1].split(".")[0]:
        words = _("Chromium {version} and its driver {driver} do not match")
        raise BrowserMissing(words.format(version=versions[0], driver=versions[1]))
    shown = _("Chromium {version} and its driver match").format(version=versions[0])
    if others := other_people():
        # ChromeDriver has no login of its own, and listens while a login is under way.
        raise _NotReady(
            _("{shown}; but {others} may read the owner's password during a login").format(
                shown=shown, others=", ".join(others)
            ),
            _("run it on a machine, or in a container, on which nobody else has an account")
            + ("" if has_sandbox() else _("; and as no root, so that Chromium has its sandbox")),
            ok=True,
        )
    return shown


def _version(program: Path) -> str:
    try:
        shown = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise BrowserMissing(_("{program} cannot be started").format(program=program)) from error
    return next((word for word in shown.split() if word[0].isdigit()), "?")


def _session(run: RunContext) -> str:
    try:
        session = open_naver_session(
            run.settings,
            table=run.session_table,
            clock=run.clock,
            probe_stores=list(run.stores),
            looks_only=True,
        )
    except (SessionExpired, LoginFailed) as error:
        advice = _("the next run logs in by itself; to do it now: naverplace login")
        raise _NotReady(str(error), advice) from error
    store_id = next(iter(run.stores))
    count = BookingClient(session, run.settings.naver, run.clock).count(
        store_id, BookingStatus.CONFIRMED
    )
    words = _("the stored session works: store {store} has {count} confirmed bookings")
    return words.format(store=store_id, count=count)


def _codes(run: RunContext) -> str:
    count = sum(map(len, run.settings.access.values()))
    if open_to := _open_to_others(Path(".env")):
        words = _("chmod 600 .env, and change what it holds if others may have read")
        raise _NotReady(open_to, words)
    if weak := "; ".join(weak_secrets(run.settings)):
        raise _NotReady(weak, _(ADVICE), ok=True)
    return _("{count} access codes, none of them easily mistaken").format(count=count)


def _open_to_others(file: Path) -> str:
    """Say that other users of this machine may read or change a file of secrets."""
    if file.exists() and (mode := file.stat().st_mode & 0o077):
        words = _("{file}: others have rights on it (mode {mode:o})")
        return words.format(file=file.absolute(), mode=0o600 | mode)
    return ""


def _folders(run: RunContext) -> str:
    settings = run.settings
    folders = [settings.report_dir] if settings.report_dir else []
    if settings.capture.enabled and not settings.capture.where.startswith("s3://"):
        folders.append(Path(settings.capture.where))
    for folder in folders:
        try_folder(folder)
    if not folders:
        return _("none is to be written")
    return _("can be written: {folders}").format(folders=", ".join(map(str, folders)))


def _proxies(run: RunContext) -> str:
    shown = [
        _("{scheme} by {host}").format(scheme=scheme, host=urlsplit(url).hostname)
        for scheme, url in sorted(getproxies().items())
        if scheme in ("http", "https", "all")
    ]
    if not shown:
        return _("none: every service is asked directly")
    words = _("asked through a proxy, but for those in NO_PROXY: {proxies}")
    return words.format(proxies=", ".join(shown))


def _sens(run: RunContext) -> str:
    SensClient(run.settings.sens, run.clock).check()
    return _("keys, signature and service are good")


def _channel(name: Channel) -> Callable[[RunContext], str]:
    def check(run: RunContext) -> str:
        if name not in (*run.rulebook.routing.enabled, FALLBACK):
            return _("switched off in rules/notifications.yaml")
        return run.channels[name].check()

    return check


def _pauses(run: RunContext) -> str:
    states = run.store_locks.table.read(run.stores)
    paused = {s: pause for s, state in states.items() if (pause := state.pause_at(run.now))}
    shown = "; ".join(f"{run.stores[s].alias}: {pause.words}" for s, pause in paused.items())
    if any(pause.days_forgotten(run.now) for pause in paused.values()):
        raise _NotReady(shown, _("naverplace resume STORE, or pause it anew with --until"))
    return shown or _("no store is paused")


def _clock(run: RunContext) -> str:
    shown = f"{run.clock.now():%Y-%m-%d %H:%M:%S} Asia/Seoul"
    days = run.clock.offset / timedelta(days=1)
    return shown + (_(", SIMULATED: {days:+.1f} days").format(days=days) if days else "")


_CHECKS: dict[str, Callable[[RunContext], str]] = {
    N_("clock"): _clock,
    N_("access codes"): _codes,
    N_("folders"): _folders,
    N_("proxies"): _proxies,
    "DynamoDB": _tables,
    N_("pauses"): _pauses,
    N_("browser"): _browser,
    N_("Naver session"): _session,
    "SENS": _sens,
    **{name.capitalize(): _channel(name) for name in CHANNELS},
}
