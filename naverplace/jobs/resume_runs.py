"""Letting runs go on that wait for a login, by Prefect's own REST API; no Prefect is needed for it.

A run that met a captcha is suspended (tasks/login_wait.py). Whoever logs in by `naverplace login`
need not look for it: where PREFECT_API_URL names a server, it is resumed there.
"""

from __future__ import annotations

import os
from typing import Any

import requests

from naverplace.base.http import make_session

FLOWS = ["process-bookings", "share-bookings"]  # that wait for a login
_WAITING = {
    "flows": {"name": {"any_": FLOWS}},
    "flow_runs": {"state": {"name": {"any_": ["Suspended"]}}},
}
TIMEOUT = (3.0, 10.0)  # seconds until connected, and until an answer


def resume_waiting() -> list[str]:
    """Resume every run that waits for a login; gives a line for each, or why there is none."""
    url = os.environ.get("PREFECT_API_URL", "").rstrip("/")
    if not url:
        return []
    session = make_session()
    if secret := os.environ.get("PREFECT_API_AUTH_STRING", ""):
        user, _, password = secret.partition(":")
        session.auth = (user, password)
    try:
        runs = _post(session, f"{url}/flow_runs/filter", _WAITING)
        return [_resume(session, url, run) for run in runs]
    except (requests.RequestException, ValueError) as error:
        # The text of such an error may hold the URL, and that the secret.
        kind = type(error).__name__
        return [f"Prefect was not reached ({kind}): a run that waits goes on by its Resume button"]


def _resume(session: requests.Session, url: str, run: dict[str, Any]) -> str:
    given = {"run_input": {"try_again": False}}
    if _post(session, f"{url}/flow_runs/{run['id']}/resume", given).get("status") == "ACCEPT":
        return f"run {run['name']} goes on"
    return f"run {run['name']} waits no more: it was resumed already, or waited for too long"


def _post(session: requests.Session, url: str, body: dict[str, Any]) -> Any:
    answer = session.post(url, json=body, timeout=TIMEOUT)
    answer.raise_for_status()
    return answer.json()
