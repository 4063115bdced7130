"""Letting runs go on that wait for a login, by Prefect's own REST API; no Prefect is needed for it.

A run that met a captcha is suspended (tasks/login_wait.py), whatever its flow. Whoever logs in by
`naverplace login` need not look for it: where PREFECT_API_URL names a server, it is resumed there.
"""

from __future__ import annotations

import os
import uuid
from http import HTTPStatus
from typing import Any

import requests

from naverplace.base.http import make_session

LOGIN = "login"  # the key of such a wait: a run that is resumed does not wait again
_SUSPENDED = {"flow_runs": {"state": {"name": {"any_": ["Suspended"]}}}}
_PAGE = 200  # what Prefect's server gives at most
_NO_ANSWER = (requests.RequestException, ValueError, LookupError, TypeError)
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
        _show_that_no_page_asks(session, url)
        return [_resume(session, url, run) for run in _waiting(session, url)]
    except _NO_ANSWER as error:
        # The text of such an error may hold the URL, and that the secret.
        kind = type(error).__name__
        return [f"Prefect was not reached ({kind}): a run that waits goes on by its Resume button"]


def _show_that_no_page_asks(session: requests.Session, url: str) -> None:
    """Fetch the token that the server wants with every change, if it wants one (CSRF)."""
    client = str(uuid.uuid4())
    answer = session.get(f"{url}/csrf-token", params={"client": client}, timeout=TIMEOUT)
    if answer.status_code != HTTPStatus.UNPROCESSABLE_ENTITY:  # the protection is off
        answer.raise_for_status()
        token = answer.json()["token"]
        session.headers.update({"Prefect-Csrf-Client": client, "Prefect-Csrf-Token": token})


def _waiting(session: requests.Session, url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page = None
    while page is None or len(page) == _PAGE:
        asked = {**_SUSPENDED, "limit": _PAGE, "offset": len(found), "sort": "ID_DESC"}
        page = _post(session, f"{url}/flow_runs/filter", asked)
        found += page
    return [run for run in found if run["state"]["state_details"]["pause_key"] == LOGIN]


def _resume(session: requests.Session, url: str, run: dict[str, Any]) -> str:
    given = {"run_input": {"try_again": False}}
    try:
        answer = _post(session, f"{url}/flow_runs/{run['id']}/resume", given)
    except _NO_ANSWER as error:
        return f"run {run['name']} waits on ({type(error).__name__}): use its Resume button"
    if answer.get("status") == "ACCEPT":
        return f"run {run['name']} goes on"
    return f"run {run['name']} waits no more: it was resumed already, or waited for too long"


def _post(session: requests.Session, url: str, body: dict[str, Any]) -> Any:
    answer = session.post(url, json=body, timeout=TIMEOUT)
    answer.raise_for_status()
    return answer.json()
