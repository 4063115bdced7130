"""Telling the owner what a reconciliation has found, and keeping its report."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

from naverplace.base.errors import NaverPlaceError, RulesError
from naverplace.base.yaml_nodes import ErrorList
from naverplace.domain.effects import FALLBACK, Channel
from naverplace.domain.notification_routing import load_routing
from naverplace.domain.stores import load_stores
from naverplace.jobs.reconciliation.findings import Reconciliation
from naverplace.jobs.reconciliation.summary import for_owner
from naverplace.messaging.owner_channels import open_channels
from naverplace.redaction.redactor import REDACTOR
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)


def tell(settings: Settings, done: Reconciliation) -> Reconciliation:
    """Tell the owner when there is something to tell; a channel that fails is a problem."""
    text = for_owner(done, _aliases(settings))
    return (
        done.with_problems(tell_alert(settings, text, what="the reconciliation")) if text else done
    )


def tell_alert(settings: Settings, text: str, *, what: str) -> list[str]:
    """Send a text to the channels of alerts, scrubbed; gives what went wrong."""
    channels, problems = open_channels(settings), []
    for name in _channels(settings):
        try:
            channels[name].send(REDACTOR.scrub(text))
        except NaverPlaceError as error:
            log.error("%s could not be sent to %s: %s", what, name, error)
            problems.append(REDACTOR.scrub(f"the owner was not told on {name}: {error}"))
    return problems


def _channels(settings: Settings) -> tuple[Channel, ...]:
    """List the channels of alerts; with a broken notifications.yaml, the fallback."""
    routing = load_routing(settings.rules_dir / "notifications.yaml", ErrorList())
    return routing.channels_for(alert=True) if routing else (FALLBACK,)


def _aliases(settings: Settings) -> Mapping[str, str]:
    """Name the stores as the owner does; a broken stores.yaml must not keep a finding back."""
    try:
        return {store.id: store.alias for store in load_stores(settings.stores_file).values()}
    except RulesError:
        return {}


def keep(settings: Settings, done: Reconciliation) -> Reconciliation:
    """Write the report as JSON into the folder that the settings name, if they name one."""
    folder = settings.report_dir
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        text = REDACTOR.scrub(json.dumps(done.as_json(), ensure_ascii=False, indent=2))
        stamp = done.now[:19].replace("-", "").replace(":", "")
        (folder / f"{stamp}-reconcile-{done.run_id}.json").write_text(text, "utf-8")
    return done
