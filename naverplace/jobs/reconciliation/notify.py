"""Telling the owner what a reconciliation has found, and keeping its report."""

from __future__ import annotations

import json
from collections.abc import Mapping

from naverplace.base.errors import RulesError
from naverplace.domain.stores import load_stores
from naverplace.jobs.reconciliation.findings import Reconciliation
from naverplace.jobs.reconciliation.summary import reconciliation_message
from naverplace.pipeline.notify_owner import send_alert
from naverplace.redaction.redactor import REDACTOR
from naverplace.settings.schema import Settings


def notify_owner(settings: Settings, done: Reconciliation) -> Reconciliation:
    """Tell the owner when there is something to tell; a channel that fails is a problem."""
    text = reconciliation_message(done, _aliases(settings))
    if not text:
        return done
    return done.with_problems(send_alert(settings, text, what="the reconciliation").problems)


def _aliases(settings: Settings) -> Mapping[str, str]:
    """Name the stores as the owner does; a broken stores.yaml must not keep a finding back."""
    try:
        return {store.id: store.alias for store in load_stores(settings.stores_file).values()}
    except RulesError:
        return {}


def write_reconciliation(settings: Settings, done: Reconciliation) -> Reconciliation:
    """Write the report as JSON into the folder that the settings name, if they name one."""
    folder = settings.report_dir
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        text = REDACTOR.scrub(json.dumps(done.as_json(), ensure_ascii=False, indent=2))
        stamp = done.now[:19].replace("-", "").replace(":", "")
        (folder / f"{stamp}-reconcile-{done.run_id}.json").write_text(text, "utf-8")
    return done
