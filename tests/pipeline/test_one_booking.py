"""Following one booking from Naver to the report: how many modules do something with it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pandas as pd

from naverplace.pipeline.local_runner import run_once
from naverplace.settings.loader import load_settings
from sandbox.server import Sandbox
from trials.campaign.shop import AFTERNOON, customers, open_shop

LIBRARY = f"{Path(__file__).resolve().parents[2] / 'naverplace'}/"
# Values that everybody speaks of, and tools that know nothing of bookings.
NOT_COUNTED = ("base/", "aws/", "domain/")


def holds(value: object, number: str, depth: int = 0) -> bool:
    """Tell whether a value is about the booking, without looking deeper than four levels."""
    if isinstance(value, str | int):
        return number in str(value)
    if depth > 4:
        return False
    if isinstance(value, pd.DataFrame):
        return number in value.to_string()
    if isinstance(value, Mapping):
        return any(holds(part, number, depth + 1) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple | Set):
        return any(holds(part, number, depth + 1) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        parts = (getattr(value, field.name, None) for field in fields(value))
        return any(holds(part, number, depth + 1) for part in parts)
    return False


@contextmanager
def modules_that_handle(number: str) -> Iterator[set[str]]:
    """Note each module of the library of which a function is given the booking, or gives it."""
    seen: set[str] = set()

    def watch(frame: FrameType, event: str, result: Any) -> None:
        path = frame.f_code.co_filename
        module = path.removeprefix(LIBRARY)
        # A template is a text, and not a module, though Jinja makes code of it.
        is_module = module != path and module.endswith(".py")
        if not is_module or module in seen or event not in ("call", "return"):
            return
        code = frame.f_code
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        values = [frame.f_locals.get(name) for name in names] if event == "call" else [result]
        if any(holds(value, number) for value in values):
            seen.add(module)

    threading.setprofile(watch)
    sys.setprofile(watch)
    try:
        yield seen
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def test_one_booking_passes_at_most_thirty_modules(
    world: Sandbox, world_env: dict[str, str]
) -> None:
    new = next(person for person in customers(AFTERNOON) if person.flags is None)
    open_shop(world, (new,), AFTERNOON)
    settings = load_settings(env=world_env, env_file=None)

    with modules_that_handle(new.booking_num.partition("_")[2]) as seen:
        report = run_once(settings, run_id="one", door="cli")

    handling = {module for module in seen if not module.startswith(NOT_COUNTED)}
    assert report.messages["confirmation"] == 1
    assert {"naver/booking_client.py", "delivery/executor.py", "reporting/report.py"} < handling
    assert len(handling) <= 30, " ".join(sorted(handling))
