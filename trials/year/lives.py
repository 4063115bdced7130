"""The lives of bookings: made, moved, cancelled, renamed, completed; all invented, from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from naverplace.base.clock import SEOUL
from trials.year.life import Customers, Life, Version, phone_of
from trials.year.owed import name_of
from trials.year.troubles import DAY, HOUR, MINUTE

HOURS = tuple(range(9, 22))  # in which a booking may start
ARRIVALS = (2, 1, 1, 1, 1, 1, 2, 3, 5, 7, 8, 8, 8, 8, 8, 8, 8, 8, 8, 9, 10, 10, 8, 4)  # by hour
SHIFTS = (-DAY, -2 * HOUR, -HOUR, -HOUR / 2, HOUR / 2, HOUR, 2 * HOUR, DAY, 3 * DAY, 7 * DAY)
LASTS = HOUR
LEADS = (
    8,
    22,
    45,
    25,
)  # in a hundred: booked within 2 hours of the start, 12 hours, a week, a month
HURRIED = (40, 60, 0, 0)  # of a trial of few days, so that much happens in them


class StoreLives:
    """Makes one store's bookings day by day."""

    def __init__(
        self,
        seed: int,
        store_id: str,
        *,
        first_customer: int,
        a_day: float,
        leads: tuple[int, ...] = LEADS,
    ) -> None:
        self.luck, self.leads = Random(f"{seed} store {store_id}"), leads  # noqa: S311 - repeatable
        self.store_id, self.a_day = store_id, a_day
        self.customers = Customers(self.luck, first_customer)
        # Naver counts ids over all stores; here two stores may have the same one.
        self.next_id = 1_000_000_000

    def born_on(self, midnight: float) -> list[Life]:
        """Make the bookings of one day, in the order of their ids."""
        day = datetime.fromtimestamp(midnight, SEOUL)
        season = 1.0 + 0.25 * ((day.month % 12) in (3, 4, 5, 9, 10)) - 0.15 * (day.month in (1, 7))
        weekend = 1.35 if day.weekday() >= 4 else 0.75
        many = self.luck.gauss(self.a_day * season * weekend, self.a_day**0.5)
        hours = self.luck.choices(range(24), ARRIVALS, k=max(1, round(many)))
        made = sorted(midnight + hour * HOUR + self.luck.random() * HOUR for hour in hours)
        lives: list[Life] = []
        for at in made:
            lives += self._family(at)
        return lives

    def _family(self, made: float) -> Iterator[Life]:
        """Make one booking, and those that follow from it."""
        luck, customer = self.luck, self.customers.somebody()
        walk_in = luck.random() < 0.02
        start = made - luck.uniform(5, 50) * MINUTE if walk_in else self._start(made)
        if walk_in:
            start -= start % MINUTE
        yield from self._life(made, start, customer)
        if luck.random() < 0.006:  # two rooms at once: the same texts but for the number
            yield from self._life(made + luck.uniform(1, 9) * MINUTE, start, customer)

    def _start(self, made: float) -> float:
        lead = self.luck.choices(
            (
                self.luck.uniform(10 * MINUTE, 2 * HOUR),
                self.luck.uniform(2 * HOUR, 12 * HOUR),
                self.luck.uniform(1 * DAY, 7 * DAY),
                self.luck.uniform(7 * DAY, 30 * DAY),
            ),
            self.leads,
        )[0]
        return open_at(made + lead, self.luck)

    def _life(self, made: float, start: float, customer: int) -> Iterator[Life]:
        luck = self.luck
        life = self._new(made, start, customer)
        yield life
        asked = life.versions[0]
        if luck.random() < 0.03 and start > asked.at:  # requested; the owner confirms later
            confirmed = asked.at + luck.uniform(0.01, 0.6) * (start - asked.at)
            life.versions = [Version(**{**vars(asked), "status": "RC02"})]
            life.change(confirmed, status="RC03", told=confirmed - 2)
        if luck.random() < 0.003:
            self._break(life)
        yield from self._until_start(life, customer)

    def _new(self, made: float, start: float, customer: int) -> Life:
        self.next_id += self.luck.randrange(1, 40)
        life = Life(self.store_id, self.next_id, made)
        options = tuple(
            name
            for name, share in (
                ("인원 추가 (1인)", 0.3),
                ("네이버 포토리뷰 약속", 0.45),
                ("원본 파일 전체 받기", 0.15),
            )
            if self.luck.random() < share
        )
        life.versions.append(
            Version(
                at=made + 40.0,
                status="RC03",
                start=start,
                phone=phone_of(customer),
                name=name_of(customer),
                options=options,
                told=made + 38.0,
            )
        )
        return life

    def _break(self, life: Life) -> None:
        """Let its row be broken from the start; some are mended."""
        last = life.versions[-1]
        life.versions[-1] = Version(
            **{**vars(last), "broken": self.luck.choice(("phone", "start"))}
        )
        if self.luck.random() < 0.5 and last.start > last.at:
            life.change(self.luck.uniform(last.at, last.start), broken="")

    def _until_start(self, life: Life, customer: int) -> Iterator[Life]:
        """Let things happen to it before its start, each later than the one before."""
        luck = self.luck
        while True:
            last = life.versions[-1]
            at = self._moment(last.at, last.start)
            fate = luck.choices(
                ("come", "move", "cancel", "phone", "name", "early"),
                (74, 11, 11, 2, 1.5, 0.3),
            )[0]
            if fate == "come" or at is None:
                self._after_start(life)
                return
            if fate == "cancel":
                life.change(at, status="RC04")
                if luck.random() < 0.2:
                    again = at + luck.uniform(1, 60) * MINUTE
                    if again + 5 * MINUTE < last.start:
                        yield from self._life(again, last.start, customer)
                return
            if fate == "move":
                start = self._moved(life, at)
                if start is None:
                    continue
                if luck.random() < 0.25:  # Naver's own form: a new booking with a new id
                    life.change(at, status="RC06")
                    yield from self._life(at, start, customer)
                    return
                life.moves += 1
                life.change(at, start=start)
            elif fate == "phone":
                life.change(at, phone=phone_of(self.customers.newcomer()))
            elif fate == "name":
                life.change(at, name=last.name + "나")
            else:  # completed by a slip, and put right
                life.change(at, status="RC08")
                right = self._moment(at, last.start)
                life.change(right or at + MINUTE, status="RC03")

    def _moment(self, after: float, before: float) -> float | None:
        """Pick a moment ahead of the start: often in its last hours, where it matters."""
        if before - after < 3 * MINUTE:
            return None
        late = before - self.luck.uniform(2 * MINUTE, 3 * HOUR)
        early = self.luck.uniform(after, before)
        at = late if late > after and self.luck.random() < 0.4 else early
        return at if after + MINUTE < at < before else None

    def _moved(self, life: Life, at: float) -> float | None:
        """Pick a new start: another, or the one that it had before."""
        now = life.versions[-1].start
        starts = {version.start for version in life.versions} - {now}
        back = [start for start in starts if start > at + 5 * MINUTE]
        if back and self.luck.random() < 0.45:
            return self.luck.choice(sorted(back))
        start = open_at(now + self.luck.choice(SHIFTS), self.luck)
        return start if start > at + 5 * MINUTE and start != now else None

    def _after_start(self, life: Life) -> None:
        luck, last = self.luck, life.versions[-1]
        end = max(last.start + LASTS, last.at)
        if luck.random() < 0.02:
            life.change(end - 10 * MINUTE if end - 10 * MINUTE > last.at else end, status="RC05")
            return
        done = end + luck.uniform(2, 90) * MINUTE
        life.change(done, status="RC08")
        if luck.random() < 0.004:
            back = done + luck.uniform(3, 90) * MINUTE
            life.change(back, status="RC03")
            life.change(back + luck.uniform(3, 90) * MINUTE, status="RC08")


def open_at(moment: float, luck: Random) -> float:
    """Give the next half hour at which a store takes a booking; after hours any of the next day."""
    at = datetime.fromtimestamp(moment, SEOUL)
    at = at.replace(second=0, microsecond=0) + timedelta(minutes=-at.minute % 30)
    if at.hour not in HOURS:
        at = at + timedelta(days=at.hour > HOURS[-1])
        at = at.replace(hour=luck.choice(HOURS), minute=luck.choice((0, 30)))
    return at.timestamp()
