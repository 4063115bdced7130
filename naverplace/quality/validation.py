"""The validation of a run's bookings by a suite of Great Expectations.

The phone is checked in its masked form, so that neither results nor Data Docs hold a number.
Great Expectations takes seconds to import, so it is imported where it is used, and `warm_up`
starts that early, in the background.
"""

from __future__ import annotations

import importlib
import logging
import os
import shutil
import sys
import threading
import types
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import pandas as pd

from naverplace.quality.expectations import TWICE, expectations
from naverplace.quality.frames import COLUMNS
from naverplace.settings.sections import QualitySettings

log = logging.getLogger(__name__)
# No name and no full phone: Data Docs show the values that are refused.
SHOWN = ["asked_store", "store_id", "booking_id", "status", "phone_shape", "start", "end"]


@dataclass(frozen=True)
class Quarantined:
    """A row that no message may be sent for, with its reasons; holds no full phone and no name."""

    store_id: str
    booking_id: str
    status: str
    phone: str  # masked, or its shape
    start: str
    reasons: tuple[str, ...]

    def as_row(self) -> dict[str, str]:
        """Turn it into a row of a table."""
        return {**asdict(self), "reasons": "; ".join(self.reasons)}


@dataclass(frozen=True)
class ValidatedStore:
    """One store's rows after the validation."""

    store_id: str
    good: pd.DataFrame = field(repr=False)
    quarantined: tuple[Quarantined, ...] = ()
    rows: int = 0
    stopped: bool = False
    reason: str = ""  # why the store is stopped


@dataclass(frozen=True)
class ValidationResult:
    """All stores after the validation, with Great Expectations' own context for the Data Docs."""

    stores: tuple[ValidatedStore, ...]
    context: Any = field(repr=False)


def warm_up() -> threading.Thread:
    """Start importing Great Expectations in the background, and return the thread."""
    thread = threading.Thread(target=_import, name="import-great-expectations", daemon=True)
    thread.start()
    return thread


class _UnusedStatistics(types.ModuleType):
    """Stands for scipy.stats, a quarter of the import, until an expectation asks for some."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what importing it asks
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@cache
def _import() -> Any:
    sys.modules.setdefault("scipy.stats", _UnusedStatistics("scipy.stats"))
    # Without it the library reports its use to its makers over the network.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    gx = importlib.import_module("great_expectations")
    importlib.import_module("great_expectations.expectations")
    # Its pandas engine reads zoned columns in a way that pandas 4 will change; nothing of ours.
    warnings.filterwarnings("ignore", message="Series.values returning an ndarray that drops")
    # The second sets a level of its own, to tell of folders that we remove again.
    for name in ("great_expectations", "great_expectations.data_context.types.base"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return gx


def validate(
    frames: Mapping[str, pd.DataFrame],
    *,
    known_stores: Collection[str],
    now: datetime,
    settings: QualitySettings,
) -> ValidationResult:
    """Check every store's rows in one validation.

    A store whose share of bad rows is too large is stopped: all its rows are suspect then.
    """
    empty = pd.DataFrame({n: pd.Series([], dtype=dtype) for n, dtype in COLUMNS.items()})
    whole = pd.concat([empty, *frames.values()], ignore_index=True)
    results, context = _run_suite(whole, known_stores=known_stores, now=now, settings=settings)
    reasons = _keep_first(_reasons(results, whole), whole)
    stores = []
    for store_id in frames:
        mine = whole[whole["asked_store"] == store_id]
        bad = [index for index in mine.index if index in reasons]
        quarantined = tuple(_quarantined(mine.loc[index], reasons[index]) for index in bad)
        reason = _stop(len(bad), len(mine), settings)
        stores.append(
            ValidatedStore(
                store_id, mine.drop(index=bad), quarantined, len(mine), bool(reason), reason
            )
        )
    return ValidationResult(tuple(stores), context)


def _stop(bad: int, rows: int, settings: QualitySettings) -> str:
    if rows < settings.min_rows_for_share or bad / rows <= settings.max_bad_share:
        return ""
    return f"{bad} of {rows} bookings are broken, more than {settings.max_bad_share:.0%}"


def _run_suite(
    whole: pd.DataFrame, *, known_stores: Collection[str], now: datetime, settings: QualitySettings
) -> tuple[Any, Any]:
    gx = _import()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    _remove_sites(context)
    asset = context.data_sources.add_pandas("naver").add_dataframe_asset("bookings")
    suite = gx.ExpectationSuite(
        name="bookings",
        expectations=expectations(gx, known_stores, now=now, settings=settings),
    )
    definition = gx.ValidationDefinition(
        name="bookings",
        data=asset.add_batch_definition_whole_dataframe("run"),
        suite=context.suites.add(suite),
    )
    results = context.validation_definitions.add(definition).run(
        batch_parameters={"dataframe": whole[SHOWN].assign(start_zone=_zones(whole["start"]))},
        # The query that would find the rows again is a third of the work, and nobody asks it.
        result_format={"result_format": "COMPLETE", "return_unexpected_index_query": False},
        run_id=gx.RunIdentifier(run_name=f"{now:%Y-%m-%d %H.%M.%S}", run_time=now),
    )
    return results, context


def _zones(times: pd.Series[Any]) -> pd.Series[Any]:
    """Name each time's zone; Great Expectations cannot tell Seoul from UTC, nor from none."""
    names = [None if pd.isna(time) else str(time.tzinfo) for time in times]
    return pd.Series(names, index=times.index, dtype="str")


def _remove_sites(context: Any) -> None:
    """Take away the docs site that a context comes with, and the folder it has made in /tmp."""
    for site in list(context.get_site_names()):
        backend = context.variables.data_docs_sites[site]["store_backend"]
        shutil.rmtree(backend["base_directory"], ignore_errors=True)
        context.delete_data_docs_site(site)


def _reasons(results: Any, whole: pd.DataFrame) -> dict[int, list[str]]:
    reasons: dict[int, list[str]] = {}
    for result in results.results:
        if result.success:
            continue
        reason = str(result.expectation_config.meta["reason"])
        rows = result.result.get("unexpected_index_list")
        if rows is None and not (whole.empty and "observed_value" in result.result):
            log.error("the expectation %r could not say which rows it refuses", reason)
        for index in whole.index if rows is None else rows:
            reasons.setdefault(int(index), []).append(reason)
    return reasons


def _keep_first(reasons: dict[int, list[str]], whole: pd.DataFrame) -> dict[int, list[str]]:
    """Let the first of several rows of one booking through, unless it is broken otherwise.

    Refusing all of them would lose the customer's message; passing all could send it twice.
    """
    kept: set[tuple[Any, ...]] = set()
    for index in sorted(index for index, why in reasons.items() if why == [TWICE]):
        row = whole.loc[index]
        booking = (row["asked_store"], row["booking_id"], row["status"])
        if booking not in kept:
            kept.add(booking)
            del reasons[index]
    return reasons


def _quarantined(row: pd.Series[Any], reasons: Sequence[str]) -> Quarantined:
    def shown(name: str) -> str:
        return "" if pd.isna(row[name]) else str(row[name])

    start = "" if pd.isna(row["start"]) else f"{row['start']:%Y-%m-%d %H:%M}"
    return Quarantined(
        store_id=shown("asked_store"),
        booking_id=shown("booking_id"),
        status=shown("status"),
        phone=shown("phone_shape"),
        start=start or shown("start_text"),
        reasons=tuple(reasons),
    )
