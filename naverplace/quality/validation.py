"""The validation of a run's bookings by a checkpoint of Great Expectations.

The phone is checked in its masked form, so that no result holds a number.
Great Expectations takes seconds to import: it has a process of its own, which `start_checkpoint`
starts early, so that another processor does it while the run talks to Naver.
"""

from __future__ import annotations

import atexit
import logging
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from naverplace.base.korean_text import is_odd_name
from naverplace.quality import checkpoint_process
from naverplace.quality.checkpoint_process import CHECKPOINT
from naverplace.quality.frames import COLUMNS, NO_TEXTS
from naverplace.settings.sections import QualitySettings

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
TWICE = "booking id: stands twice in the list"
UNREACHABLE = "phone: not a number that a text message can reach"
COMPLETED = "RC08"
Refusal = tuple[str, list[int] | None]  # the reason, and the rows; None: it cannot say which
Reasons = dict[int, list[str]]  # by row
# The checkpoint's process needs its packages and time zones; no secret is any of its business.
_GIVEN = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONTZPATH", "LD_LIBRARY_PATH", "TMPDIR")
# No name and no full phone: results hold the values that are refused.
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
    odd_names: tuple[str, ...] = ()  # bookings to whose texts no name, or a cut one, goes


@dataclass(frozen=True)
class ValidationResult:
    """All stores after the validation."""

    stores: tuple[ValidatedStore, ...]
    failed: Mapping[str, str] = field(default_factory=dict)  # stores that met a defect, and which

    def plus(self, other: ValidationResult) -> ValidationResult:
        """Put together what was found in some stores and in others."""
        return ValidationResult((*self.stores, *other.stores), {**self.failed, **other.failed})

    def without_rows(self) -> ValidationResult:
        """Keep how many rows are good, and let go what is in them."""
        return replace(self, stores=tuple(replace(s, good=s.good[[]]) for s in self.stores))


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
    import pandas as pd

    empty = pd.DataFrame({n: pd.Series([], dtype=dtype) for n, dtype in COLUMNS.items()})
    whole = pd.concat([empty, *frames.values()], ignore_index=True)
    refusals = _run_checkpoint(whole, known_stores=known_stores, now=now, settings=settings)
    reasons = _keep_first(_reasons(refusals, whole.index), whole)
    stores = []
    rows = whole.groupby("asked_store").indices
    for store_id in frames:
        mine = whole.iloc[rows.get(store_id, [])]
        bad = [index for index in mine.index if index in reasons]
        quarantined = tuple(_quarantined(mine.loc[index], reasons[index]) for index in bad)
        reason = _stop(mine, reasons, settings)
        good = mine.drop(index=bad)
        stores.append(
            ValidatedStore(
                store_id,
                good,
                quarantined,
                len(mine),
                bool(reason),
                reason,
                odd_names=tuple(_odd_names(good, now)),
            )
        )
    return ValidationResult(tuple(stores))


def _odd_names(good: pd.DataFrame, now: datetime) -> Iterator[str]:
    """Name the bookings ahead whose texts lack the customer's name."""
    ahead = good[good["start"] > now]
    for booking_id, name in zip(ahead["booking_id"], ahead["name"], strict=True):
        if is_odd_name(name):
            yield str(booking_id)


def _stop(mine: pd.DataFrame, reasons: Reasons, settings: QualitySettings) -> str:
    """Say why a store is stopped: most of the list that it is served by is broken.

    A completed booking says nothing of the confirmed ones, and a number of another kind nothing
    of the list.
    """
    served = mine[mine["status"] != COMPLETED]
    judged = served if len(served) else mine
    broken = [
        index
        for index in judged.index
        if set(reasons.get(index, ())) - {UNREACHABLE}
        or (index in reasons and not str(judged.loc[index, "phone_shape"]).endswith(NO_TEXTS))
    ]
    bad, rows = len(broken), len(mine)
    if rows < settings.min_rows_for_share or bad / rows <= settings.max_bad_share:
        return ""
    return f"{bad} of {rows} bookings are broken, more than {settings.max_bad_share:.0%}"


def _run_checkpoint(
    whole: pd.DataFrame, *, known_stores: Collection[str], now: datetime, settings: QualitySettings
) -> list[Refusal]:
    parameters = {
        "known_stores": sorted(known_stores),
        "earliest": now - timedelta(days=settings.past_days),
        "latest": now + timedelta(days=settings.future_days),
    }
    rows = whole[SHOWN].assign(start_zone=_zones(whole["start"]))
    refused = _refusals(rows, parameters)
    return [(reason.format(**parameters), bad) for reason, bad in refused]


class CheckpointProcess:
    """The process that has Great Expectations: rows in, without names and phones, refusals out."""

    def __init__(self) -> None:
        environment = {name: os.environ[name] for name in _GIVEN if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", checkpoint_process.__name__],  # no more paths than ours
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self.pid = self._process.pid
        self.owner = os.getpid()
        atexit.register(self.end)

    def refusals(self, rows: pd.DataFrame, parameters: Mapping[str, Any]) -> list[Refusal]:
        """Ask it. Raises RuntimeError with what it has met, EOFError or OSError when it is dead."""
        if not (self._process.stdin and self._process.stdout):
            raise EOFError
        try:
            pickle.dump((rows, dict(parameters)), self._process.stdin)
            self._process.stdin.flush()
            said = pickle.load(self._process.stdout)  # noqa: S301 - from our own process
        except BaseException:
            self._process.kill()  # an answer that nobody took is none to the next question
            raise
        if isinstance(said, str):
            raise RuntimeError(said)
        refused: list[Refusal] = said
        return refused

    def end(self) -> None:
        """End it; of a fork, it is the parent's, and goes on."""
        if self.owner == os.getpid():
            self._process.kill()
            self._process.wait()


_lock = threading.Lock()
_started: CheckpointProcess | None = None


def start_checkpoint() -> None:
    """Start the checkpoint's process, which imports for seconds, unless there is need of none."""
    with _lock:
        _start()


def _refusals(rows: pd.DataFrame, parameters: Mapping[str, Any]) -> list[Refusal]:
    """Ask the checkpoint; when its process has died, this one imports Great Expectations itself."""
    with _lock:
        if process := _start():
            try:
                return process.refusals(rows, parameters)
            except (OSError, EOFError, pickle.UnpicklingError) as error:
                log.warning("the process of the checkpoint has died (%r)", error)
        found: list[Refusal] = checkpoint_process.import_checkpoint().run_checkpoint(
            rows, parameters
        )
        return found


def _start() -> CheckpointProcess | None:
    global _started
    if CHECKPOINT in sys.modules:
        return None
    if _started is None or _started.owner != os.getpid():
        try:
            _started = CheckpointProcess()
        except OSError as error:  # no memory, or too many processes: no reason to stop a run
            log.warning("the process of the checkpoint cannot be started (%s)", error.strerror)
            return None
    return _started


def _zones(times: pd.Series[Any]) -> pd.Series[Any]:
    """Name each time's zone; Great Expectations cannot tell Seoul from UTC, nor from none."""
    import pandas as pd

    names = [None if pd.isna(time) else str(time.tzinfo) for time in times]
    return pd.Series(names, index=times.index, dtype="str")


def _reasons(refusals: Iterable[Refusal], index: pd.Index) -> Reasons:
    reasons: Reasons = {}
    for reason, rows in refusals:
        if rows is None and len(index):
            log.error("the expectation %r could not say which rows it refuses", reason)
        for row in index if rows is None else rows:
            reasons.setdefault(int(row), []).append(reason)
    return reasons


def _keep_first(reasons: Reasons, whole: pd.DataFrame) -> Reasons:
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
    import pandas as pd

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
