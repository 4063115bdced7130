"""The quality gates: Great Expectations suites over the bookings of a run.

The phone is checked in its masked form, so that neither results nor Data Docs hold a number.
Great Expectations takes seconds to import, so it is imported where it is used, and `warm_up`
starts that early, in the background.
"""

from __future__ import annotations

import importlib
import logging
import os
import shutil
import threading
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from naverplace.frames import COLUMNS
from naverplace.gates import expectations
from naverplace.settings import QualitySettings

log = logging.getLogger(__name__)
CHECKED = ["asked_store", "store_id", "booking_id", "status", "phone_shape", "start_text"]
TIMES = ["start", "end"]
SITE = "bookings"


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
        return {
            "store_id": self.store_id,
            "booking_id": self.booking_id,
            "status": self.status,
            "phone": self.phone,
            "start": self.start,
            "reasons": "; ".join(self.reasons),
        }


@dataclass(frozen=True)
class Checked:
    """One store's rows after the gates."""

    store_id: str
    good: pd.DataFrame = field(repr=False)
    quarantined: tuple[Quarantined, ...] = ()
    rows: int = 0
    stopped: bool = False
    reason: str = ""  # why the store is stopped


@dataclass(frozen=True)
class Gated:
    """All stores after the gates, with Great Expectations' own context for the Data Docs."""

    stores: tuple[Checked, ...]
    context: Any = field(repr=False)


def warm_up() -> threading.Thread:
    """Start importing Great Expectations in the background, and return the thread."""
    thread = threading.Thread(target=_import, name="import-great-expectations", daemon=True)
    thread.start()
    return thread


@cache
def _import() -> Any:
    # Without it the library reports its use to its makers over the network.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    gx = importlib.import_module("great_expectations")
    importlib.import_module("great_expectations.expectations")
    # Its pandas engine reads zoned columns in a way that pandas 4 will change; nothing of ours.
    warnings.filterwarnings("ignore", message="Series.values returning an ndarray that drops")
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    return gx


def check(
    frames: Mapping[str, pd.DataFrame],
    *,
    known_stores: Collection[str],
    now: datetime,
    settings: QualitySettings,
) -> Gated:
    """Check every store's rows in one validation.

    A store whose share of bad rows is too large is stopped: all its rows are suspect then.
    """
    whole = pd.concat([_empty(), *frames.values()], ignore_index=True)
    results, context = _validate(whole, known_stores=known_stores, now=now, settings=settings)
    reasons = _reasons(results, whole)
    checked = []
    for store_id in frames:
        mine = whole[whole["asked_store"] == store_id]
        bad = [index for index in mine.index if index in reasons]
        quarantined = tuple(_quarantined(mine.loc[index], reasons[index]) for index in bad)
        reason = _stop(len(bad), len(mine), settings)
        checked.append(
            Checked(store_id, mine.drop(index=bad), quarantined, len(mine), bool(reason), reason)
        )
    return Gated(tuple(checked), context)


def _empty() -> pd.DataFrame:
    return pd.DataFrame({n: pd.Series([], dtype=dtype) for n, dtype in COLUMNS.items()})


def _stop(bad: int, rows: int, settings: QualitySettings) -> str:
    if rows < settings.min_rows_for_share or bad / rows <= settings.max_bad_share:
        return ""
    return f"{bad} of {rows} bookings are broken, more than {settings.max_bad_share:.0%}"


def _validate(
    whole: pd.DataFrame, *, known_stores: Collection[str], now: datetime, settings: QualitySettings
) -> tuple[Any, Any]:
    gx = _import()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    _remove_sites(context)
    asset = context.data_sources.add_pandas("naver").add_dataframe_asset("bookings")
    listed = expectations(gx, known_stores, now=now, settings=settings)
    definition = gx.ValidationDefinition(
        name="bookings",
        data=asset.add_batch_definition_whole_dataframe("run"),
        suite=context.suites.add(gx.ExpectationSuite(name="bookings", expectations=listed)),
    )
    results = context.validation_definitions.add(definition).run(
        batch_parameters={"dataframe": whole[[*CHECKED, *TIMES]]}, result_format="COMPLETE"
    )
    return results, context


def _remove_sites(context: Any) -> None:
    """Take away the docs site that a context comes with, and the folder it has made in /tmp."""
    for site in list(context.get_site_names()):
        backend = context.variables.data_docs_sites[site]["store_backend"]
        shutil.rmtree(backend["base_directory"], ignore_errors=True)
        context.delete_data_docs_site(site)


def _reasons(results: Any, whole: pd.DataFrame) -> dict[int, list[str]]:
    """Collect each bad row's reasons; a gate that could not be evaluated lets nothing through."""
    reasons: dict[int, list[str]] = {}
    for result in results.results:
        if result.success:
            continue
        reason = str(result.expectation_config.meta["reason"])
        rows = result.result.get("unexpected_index_list")
        if rows is None and not (whole.empty and "observed_value" in result.result):
            log.error("the gate %r could not say which rows it refuses", reason)
        for index in whole.index if rows is None else rows:
            reasons.setdefault(int(index), []).append(reason)
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


def write_docs(gated: Gated, docs_dir: Path) -> Path:
    """Write Great Expectations' Data Docs of a validation; those of older runs are replaced.

    Returns the page that people open.
    """
    folder = docs_dir.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    context = gated.context
    context.add_data_docs_site(
        SITE,
        {
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(folder),
            },
        },
    )
    context.build_data_docs()
    return folder / "index.html"
