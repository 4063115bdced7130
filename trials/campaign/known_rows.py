"""Great Expectations' word on a trial's bookings, asked once: it is two thirds of a run.

It is no outside service, and says the same of the same rows. Any other row is validated in the run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from naverplace.quality import validation
from naverplace.quality.frames import to_frame
from naverplace.quality.validation import Refusal
from naverplace.settings.sections import QualitySettings

LONGEST_CASE = timedelta(days=2)
IDENTITY = ("asked_store", "store_id", "booking_id", "status")  # no two rows have the same
Row = tuple[str, ...]
Rows = tuple[Row, ...]
Answer = tuple[datetime, list[Refusal]]  # since when, and for as long as a case lasts
Reading = tuple[datetime, Mapping[str, list[dict[str, Any]]]]  # by store, Naver's JSON


def validate_once(
    readings: Iterable[Reading], *, settings: QualitySettings, known_stores: Collection[str]
) -> Sequence[Row]:
    """Validate all rows of these readings, when they are read and at a case's end.

    Raises RuntimeError when one of them is refused.
    """
    rows: list[Row] = []
    for now, stores in readings:
        frames = {
            store: to_frame(raws, store_id=store, fields=(), read_at=now)
            for store, raws in stores.items()
        }
        for at in (now, now + LONGEST_CASE):
            validated = validation.validate(
                frames, known_stores=known_stores, now=at, settings=settings
            )
            if refused := [row for store in validated.stores for row in store.quarantined]:
                raise RuntimeError(f"a booking of the trial is refused: {refused}")
        rows += [row for frame in frames.values() for row in _rows(frame)]
    return rows


def checkpoint_knowing(known: Collection[Row]) -> Any:
    """Make the checkpoint that passes frames of known rows at once, and validates all others."""
    real, sound = validation._run_checkpoint, frozenset(known)

    def run_checkpoint(whole: pd.DataFrame, **words: Any) -> list[Refusal]:
        rows = _rows(whole)
        bookings = {row[: len(IDENTITY)] for row in rows}
        if sound.issuperset(rows) and len(bookings) == len(rows):
            return []
        return real(whole, **words)

    return run_checkpoint


def learning_checkpoint() -> Any:
    """Make what stands for `validation._refusals` and knows its answers while a case lasts.

    The checkpoint is asked about rows now and at a case's end. When it says the same of them, it
    is not asked of them again; and rows of which none was refused are sound among others, too.
    """
    real = validation._refusals
    answers, sound = dict[Rows, list[Answer]](), dict[Row, list[datetime]]()

    def refusals(whole: pd.DataFrame, parameters: Mapping[str, Any]) -> list[Refusal]:
        now, latest = parameters["earliest"], parameters["latest"]
        around = (str(parameters["known_stores"]), str(latest - now))
        zones = whole["start_zone"].astype(str)
        rows = tuple((*row, zone, *around) for row, zone in zip(_rows(whole), zones, strict=True))
        for at, answer in answers.get(rows, ()):
            if at <= now <= at + LONGEST_CASE:
                return answer
        alone = len({row[: len(IDENTITY)] for row in rows}) == len(rows)
        if alone and all(
            any(at <= now <= at + LONGEST_CASE for at in sound.get(row, ())) for row in rows
        ):
            return []
        refused = real(whole, parameters)
        later = {"earliest": now + LONGEST_CASE, "latest": latest + LONGEST_CASE}
        if refused == real(whole, {**parameters, **later}):
            answers.setdefault(rows, []).append((now, refused))
            for row in rows if alone and not refused else ():
                sound.setdefault(row, []).append(now)
        return refused

    return refusals


def _rows(frame: pd.DataFrame) -> list[Row]:
    shown = [*IDENTITY, *(name for name in validation.SHOWN if name not in IDENTITY)]
    return [tuple(map(str, row)) for row in frame[shown].itertuples(index=False)]
