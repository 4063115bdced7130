"""`make demo`, as a newcomer runs it: the JSON tells the truth, and nothing is left running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.browser, pytest.mark.prefect]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox.demo", *arguments],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith(("NAVERPLACE_", "PREFECT_"))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # its own session, by which leftovers are recognised
    )


def left_of(session: int) -> list[str]:
    """List the processes that still live in the demo's session or its children's."""
    left = []
    for process in psutil.process_iter(["pid", "cmdline", "environ"]):
        try:
            words = " ".join(process.info["cmdline"] or [])
            if os.getsid(process.pid) == session or "naverplace-prefect-" in words:
                left.append(words)
        except (psutil.Error, ProcessLookupError):
            continue
    return left


@pytest.fixture(scope="module")
def demo() -> dict[str, Any]:
    """A demo that is left up until somebody ends it, as with KEEP=1 JSON=1."""
    process = start("--json", "--keep")
    assert process.stderr
    words, urls = "", dict[str, str]()
    for line in process.stderr:
        words += line
        if line.startswith(("Prefect UI", "phones of customers")):
            urls[line.split()[0]] = line.split()[-1]
        if len(urls) == 2:
            break
    assert len(urls) == 2, words[-3000:]
    pages = {name: requests.get(url, timeout=10).text for name, url in urls.items()}
    process.send_signal(signal.SIGINT)
    out, rest = process.communicate(timeout=60)
    assert process.returncode == 0, words + rest
    return {
        "json": json.loads(out.splitlines()[-1]),
        "words": words + rest,
        "session": process.pid,
        "urls": urls,
        "pages": pages,
    }


def test_the_first_run_sends_the_23_messages_after_one_login(demo: dict[str, Any]) -> None:
    run = demo["json"]["runs"][0]

    assert run["messages"] == {"confirmation": 8, "guide": 15, "event": 0}
    assert (run["bookings_confirmed"], run["bookings_completed"]) == (147, 34)
    assert (run["browser_opened"], run["balanced"]) == (True, True)
    assert run["writes_by_action"] == {"create_db_record": 8, "send_sms": 46}
    assert run["writes"] == 54
    assert run["quarantined"] == 9


def test_the_second_run_sends_nothing_and_opens_no_browser(demo: dict[str, Any]) -> None:
    run = demo["json"]["runs"][1]

    assert run["messages"] == {"confirmation": 0, "guide": 0, "event": 0}
    assert (run["browser_opened"], run["balanced"]) == (False, True)
    # Of the first run's messages some have arrived: that alone is written.
    assert set(run["writes_by_action"]) <= {"follow"}
    assert run["writes"] == sum(run["writes_by_action"].values()) <= 23


def test_a_person_reads_progress_and_a_summary(demo: dict[str, Any]) -> None:
    words = demo["words"]

    assert "starting a Prefect server" in words
    assert "문자 23건 접수" in words
    assert "every sum balances" in words


def test_its_ui_and_its_phones_can_be_looked_at(demo: dict[str, Any]) -> None:
    assert "Prefect" in demo["pages"]["Prefect"]
    assert "010-" in demo["pages"]["phones"]


def test_nothing_is_left_running(demo: dict[str, Any]) -> None:
    deadline = time.monotonic() + 20
    while left_of(demo["session"]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left_of(demo["session"]) == []
    with pytest.raises(requests.ConnectionError):
        requests.get(demo["urls"]["Prefect"], timeout=5)
