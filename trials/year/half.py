"""One half of the world, day by day: its runs, what happens to them, and what came of it.

Stores are independent of each other, so two processes simulate four each; outages and the plan of
runs are drawn from the seed alone and are the same for both.
"""

from __future__ import annotations

import gc
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any
from unittest.mock import patch

from naverplace.base.clock import SEOUL
from naverplace.domain.stores import load_stores
from naverplace.ledger.phone_counter import PREFIX
from naverplace.reporting.forecast_score import FORESEEN, HIT, Miss
from naverplace.reporting.report import RunReport
from naverplace.rules.engine import RuleEngine
from naverplace.rules.rulebook import load_rulebook
from naverplace.settings.loader import load_settings
from sandbox.environment import environment
from sandbox.state import World as Sandboxed
from trials.recorded_tables import WAYS, RecordedTables
from trials.year.fate import Fate
from trials.year.kernel import Kernel, Killed, simulated_sleep
from trials.year.lines import Switchboard
from trials.year.lives import HURRIED, StoreLives
from trials.year.oracle import Oracle, SeenRun, Verdicts
from trials.year.plan import RunPlan, plan_day
from trials.year.readers import Outside, SimulatedNaver
from trials.year.reading import Reading
from trials.year.runs import named_in, perform
from trials.year.sens import Sens
from trials.year.task import A_DAY, ALL_STORES, BEGIN, ROOT, Tally, Task
from trials.year.troubles import DAY, Troubles, draw_troubles
from trials.year.typed import quick_types
from trials.year.world import World

KEYS = {"sms": ("booking_num", "phone"), "session": ("id",)}


@dataclass
class Half:
    """One half while it is simulated."""

    task: Task
    tally: Tally = field(default_factory=Tally)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        task, start = self.task, BEGIN.timestamp()
        self.start = start
        self.kernel = Kernel(start)
        self.luck = Random(f"{task.seed} runs {task.store_ids}")  # noqa: S311 - repeatable
        drawn = draw_troubles(
            task.seed,
            start=start,
            days=task.days,
            store_ids=ALL_STORES,
            factor=task.factor,
            without=task.without,
        )
        self.troubles = Troubles(drawn, task.stray, task.without)
        self.hits: list[tuple[float, str]] = []  # what hit which run
        self.days = task.played or task.days
        self.tables = RecordedTables(KEYS, lambda: self.kernel.now)
        stores = load_stores(ROOT / "deployments" / "stores.yaml")
        mine = {store_id: stores[store_id] for store_id in task.store_ids}
        self.outside = self._outside(mine)
        aliases = {store_id: store.alias for store_id, store in mine.items()}
        self.oracle = Oracle(aliases, self.outside.settings.caps.per_phone)
        self.sens = Sens(
            self.kernel, self.troubles, self.oracle.note_message, self.tables.note_message
        )
        self._last_whole = self._last_forecast = start - DAY
        self._alive = 0

    def _outside(self, stores: dict[str, Any]) -> Outside:
        nowhere = dict.fromkeys(SERVICES, "http://127.0.0.1:9")
        variables = {
            **environment(Sandboxed(), nowhere),
            "NAVERPLACE_RULES_DIR": str(ROOT / "rules"),
            "NAVERPLACE_STORES_FILE": str(ROOT / "deployments" / "stores.yaml"),
            "NAVERPLACE_SENS__PARALLEL": "1",  # the simulated time knows no threads within a run
        }
        # Customers that come many times a day, to a busy shop.
        if self.task.a_day > 2 * A_DAY or self.task.leads == HURRIED:
            variables |= {"NAVERPLACE_CAPS__FLOOR": "2000", "NAVERPLACE_CAPS__PER_PHONE": "50"}
        settings = load_settings(env=variables, env_file=None)
        rulebook = load_rulebook(
            ROOT / "rules",
            ROOT / "deployments" / "stores.yaml",
            default_sender=settings.sens.default_sender,
            access=settings.access,
        )
        makers = {
            store_id: StoreLives(
                self.task.seed,
                store_id,
                first_customer=20_000 * place,
                a_day=self.task.a_day,
                leads=self.task.leads,
            )
            for place, store_id in enumerate(stores)
        }
        world = World(makers, tuple(rulebook.fields.values()), self.start)
        world.advance(self.start)
        return Outside(
            kernel=self.kernel,
            troubles=self.troubles,
            tables=self.tables,
            world=world,
            reading=Reading(world, self.tables, settings.ledger.expired_days * DAY),
            settings=settings,
            stores=stores,
            fields=tuple(rulebook.fields.values()),
            rulebook=rulebook,
            engine=RuleEngine(rulebook),
            faults=self.faults,
        )

    def simulate(self, progress: Callable[[int, Tally], None]) -> Verdicts:
        """Live through all days, and let the oracle judge them."""
        gc.set_threshold(100_000, 50, 50)  # most of what lives here lives to the end
        with self._switched():
            for day in range(self.days):
                midnight = self.start + day * DAY
                for plan in plan_day(self.task.seed, midnight, self.troubles, self.task.factor):
                    self.kernel.spawn(plan.at, partial(self._run, plan))
                self.kernel.run(midnight + DAY)
                self._forget_counters()
                progress(day + 1, self._counted())
            self.kernel.run(self.start + self.days * DAY + 7200)
        if self.outside.scored[Miss.OURS]:
            self.faults.append(f"forecasts: {dict(self.outside.scored)}")
        self.faults += [f"history: {wrong}" for wrong in self.tables.history.judge(WAYS)]
        return self.oracle.judge(self.outside.world.lives, until=self.start + self.days * DAY)

    def _forget_counters(self) -> None:
        """Remove the counters of phones that got nothing since yesterday, as the retention does."""
        before = datetime.fromtimestamp(self.kernel.now - 2 * DAY, UTC).isoformat()
        items = self.tables.items["session"]
        for key, item in list(items.items()):
            if key[0].startswith(PREFIX) and all(m["S"] < before for m in item["marks"]["L"]):
                del items[key]

    @contextmanager
    def _switched(self) -> Iterator[None]:
        """Put the simulated outside in the place of sockets, sleep and Naver."""
        board = Switchboard(self.sens, self.troubles, self._fate_of_current)
        logging.disable(logging.CRITICAL)
        with ExitStack() as stack:
            stack.callback(logging.disable, logging.NOTSET)
            stack.enter_context(board.switched())
            stack.enter_context(simulated_sleep(self.kernel))
            stack.enter_context(quick_types())
            stack.enter_context(
                patch("naverplace.pipeline.store_delivery.BookingClient", SimulatedNaver)
            )
            yield

    def _fate_of_current(self) -> Fate:
        actor = self.kernel.current
        if actor is None or not isinstance(actor.context, Fate):
            raise RuntimeError("a connection outside of any run")
        return actor.context

    def _run(self, plan: RunPlan) -> None:
        """Do one planned run, and tell the oracle how it looked from outside."""
        fate = plan.fate(self.kernel)
        actor = self.kernel.current
        assert actor is not None  # noqa: S101 - only the kernel calls this
        actor.context = fate
        self.tally.runs += 1
        self.tally.overlaps += self._alive > 0
        self._alive += 1
        began, whole = self.kernel.now, self._is_whole()
        try:
            report, stores = perform(
                self.outside, fate, run_id=plan.run_id, door=plan.door, whole=whole
            )
        except Killed:
            self._died(plan, fate, began)
            return
        finally:
            self._alive -= 1
            if fate.troubles:
                self.hits.append((began, f"{plan.run_id}: {', '.join(fate.troubles)}"))
        self.tally.freezes += any(t.startswith("frozen") for t in fate.troubles)
        named, expired = named_in(report)
        self._note(report)
        now = self.kernel.now
        seen = SeenRun(began, now, now, bool(fate.troubles), stores, named, expired)
        self.oracle.note_run(seen)

    def _died(self, plan: RunPlan, fate: Fate, began: float) -> None:
        self.tally.kills += 1
        self.oracle.note_run(SeenRun(began, None, self.kernel.now, True, frozenset()))
        if plan.restart_after:
            again = plan.restarted(self.kernel.now)
            self.kernel.spawn(again.at, partial(self._run, again))

    def _is_whole(self) -> bool:
        """Tell whether this run reads everything: weekly in the evening, and after long silence.

        So do the first ones after the digests of two evenings a week: one forecasts, one scores.
        """
        at, since = (
            datetime.fromtimestamp(self.kernel.now, SEOUL),
            self.kernel.now - self._last_whole,
        )
        early = self.kernel.now < self.start + 3 * DAY and since > DAY / 3
        if not self.task.whole:
            return False
        forecasts = at.hour == 21 and at.weekday() < 2  # a Monday begins it all
        forecasts = forecasts and self.kernel.now > self._last_forecast + DAY / 12
        if forecasts:
            self._last_forecast = self.kernel.now
        whole = early or forecasts or (since > 6 * DAY and at.hour == 20)
        if whole:
            self._last_whole = self.kernel.now
            self.tally.complete_readings += 1
        return whole

    def _note(self, report: RunReport) -> None:
        settled = Counter(report.settled)
        self.tally.adopted += settled["adopted"]
        self.tally.freed += settled["freed"]
        self.tally.waited += settled["waiting"]
        if not report.balanced:
            self.tally.unbalanced += 1
            self.faults.append(f"{report.now}: {report.contradictions[:2]}")

    def _counted(self) -> Tally:
        begun = [life for life in self.outside.world.lives if life.made <= self.kernel.now]
        self.tally.bookings = len(begun)
        self.tally.messages = self.oracle.messages
        self.tally.moves = sum(life.moves for life in begun)
        self.tally.cancellations = sum(
            life.versions[-1].status in ("RC04", "RC06") for life in begun
        )
        self.tally.foreseen = self.outside.scored[FORESEEN]
        self.tally.foreseen_right = self.outside.scored[HIT]
        self.tally.foreseen_wrong = self.outside.scored[Miss.OURS]
        self.tally.outages = sum(t.start <= self.kernel.now for t in self.troubles.found)
        return self.tally


SERVICES = ("nid", "www", "smartplace", "partner", "sens", "telegram", "slack", "aws")


def simulate(
    task: Task, progress: Callable[[int, dict[str, int]], None]
) -> tuple[dict[str, int], dict[str, Any], list[str], float]:
    """Simulate one half: its counts, its verdicts, faults of the library or of us, and seconds."""
    started = time.monotonic()
    half = Half(task)
    verdicts = half.simulate(lambda day, tally: progress(day, asdict(tally)))
    return asdict(half.tally), asdict(verdicts), half.faults, time.monotonic() - started
