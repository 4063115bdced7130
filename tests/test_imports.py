"""What starting a process must not import: it would cost each start what few runs need."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# Seconds of processor time each; they are imported late, beside what waits for answers, or never.
LATE = {"pandas", "numpy", "great_expectations", "scipy", "selenium", "sqlalchemy", "altair"}
ENTRIES = {
    "naverplace.cli.app": LATE
    | {"prefect", "boto3", "botocore.client", "requests", "rich.logging", "jinja2"},
    "naverplace.handler": LATE | {"prefect", "typer"},
    "flows.bookings": LATE,
}


def imported(code: str) -> set[str]:
    show = f"{code}; import json, sys; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_process_starts_without_what_few_runs_need(entry: str) -> None:
    assert sorted(ENTRIES[entry] & imported(f"import {entry}")) == []


def test_great_expectations_is_imported_without_what_it_does_not_need() -> None:
    start = (
        "from threading import Thread; from naverplace.quality import checkpoint_process as p; "
        "thread = Thread(target=p.import_checkpoint); thread.start(); thread.join(); "
        "from great_expectations.compatibility.sqlalchemy import sqlalchemy as theirs; "
        "assert not theirs; import sqlalchemy.engine"  # hidden from that thread's imports only
    )

    found = imported(start)

    assert {"great_expectations", "sqlalchemy.engine"} <= found
    assert sorted({"scipy.optimize", "altair.vegalite"} & found) == []
