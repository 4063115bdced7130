"""The customers of eight stores on one day, who book, move and cancel; invented, from a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sandbox.credentials import STORE_IDS
from sandbox.server import Sandbox
from trials.year.life import Life, Version, phone_of
from trials.year.lives import StoreLives
from trials.year.owed import DAY, SEOUL, Slot, name_of, slots_of
from trials.year.world import LISTED, raw_of

Raw = dict[str, Any]
BEGIN = datetime(2026, 3, 11, tzinfo=SEOUL)  # a Wednesday
DAYS_BEFORE = 8  # from which the bookings of the day have come
A_DAY = dict.fromkeys(STORE_IDS, 4.0) | {STORE_IDS[0]: 9.0}  # bookings of a store
PHONES = 400  # for each store
A_RUN = timedelta(minutes=25).total_seconds()  # whoever books later meets none before the start
PLANTED = 8_000_000_000  # ids of bookings that a trouble plants
FLAGS = {"confirmation": "confirm_sms", "guide": "remind_sms", "event": "option_sms"}


def lives_of(seed: int) -> list[Life]:
    """Make all bookings that are made until the end of the day: none is broken, or too late."""
    found: list[Life] = []
    for place, store_id in enumerate(STORE_IDS):
        maker = StoreLives(seed, store_id, first_customer=1 + place * PHONES, a_day=A_DAY[store_id])
        for day in range(-DAYS_BEFORE, 1):
            for life in maker.born_on(BEGIN.timestamp() + day * DAY):
                life.versions = [replace(version, broken="") for version in life.versions]
                if not any(map(_is_too_late, life.versions)):
                    found.append(life)
    return found


def _is_too_late(version: Version) -> bool:
    return version.status == "RC03" and 0 < version.start - version.at < A_RUN


def readings(seed: int) -> Iterator[tuple[datetime, dict[str, list[Raw]]]]:
    """Give everything that Naver will list of these bookings, each booking once in a reading."""
    lives = lives_of(seed)
    for nth in range(max(len(life.versions) for life in lives)):
        stores: dict[str, list[Raw]] = {store_id: [] for store_id in STORE_IDS}
        for life in lives:
            if nth < len(life.versions) and life.versions[nth].status in LISTED:
                stores[life.store_id].append(raw_of(life, life.versions[nth]))
        yield BEGIN, stores


@dataclass
class Shop:
    """What Naver shows of every booking; `views` change what it shows of a store."""

    sandbox: Sandbox
    lives: list[Life]
    sent: list[Slot] = field(default_factory=list)  # before, by the records
    views: dict[str, Callable[[list[Raw]], list[Raw]]] = field(default_factory=dict)
    _shown: dict[str, dict[int, Raw]] = field(default_factory=dict)

    def open(self) -> None:
        """Show what stands now, with the records of what was sent before."""
        begin = self.sandbox.world.now().timestamp()
        self._shown = {store_id: {} for store_id in STORE_IDS}
        for life in self.lives:
            version = next((v for v in reversed(life.versions) if v.at <= begin), None)
            if version is None:
                continue
            slots = list(slots_of(life, begin))
            self.sent += slots
            self._put(life, version)
            if slots:
                self.sandbox.put_sms_item(_record(life, version, slots))
        for store_id in STORE_IDS:
            self.publish(store_id)

    def coming(self) -> Iterator[tuple[datetime, Life, Version]]:
        """List what happens to bookings later, in no order."""
        begin = self.sandbox.world.now().timestamp()
        for life in self.lives:
            for version in life.versions:
                if version.at > begin:
                    yield datetime.fromtimestamp(version.at, SEOUL), life, version

    def apply(self, life: Life, version: Version) -> None:
        """Let one thing happen to a booking."""
        self._put(life, version)
        self.publish(life.store_id)

    def publish(self, store_id: str) -> None:
        """Show a store's bookings as its view has them."""
        raws, view = list(self._shown[store_id].values()), self.views.get(store_id)
        with self.sandbox.world.lock:
            self.sandbox.world.stores[store_id] = view(raws) if view else raws

    def add(
        self,
        store_id: str,
        *,
        hours: float,
        phone: str = "",
        broken: str = "",
        sent: tuple[str, ...] = (),
        name: str = "",
        flags: Mapping[str, str] | None = None,
    ) -> Life:
        """Let somebody book now, so many hours ahead; `sent` is what the records tell already.

        `name` follows the customer's own, `flags` stand in the record as somebody wrote them.
        """
        start = self.sandbox.world.now() + timedelta(hours=hours)
        start = start.replace(second=0, microsecond=0)
        now = self.sandbox.world.now().timestamp()
        nth = sum(life.booking_id >= PLANTED for life in self.lives)
        life = Life(store_id, PLANTED + nth, now)
        version = Version(
            at=now,
            status="RC03",
            start=start.timestamp(),
            phone=phone or phone_of(PHONES * len(STORE_IDS) + 1 + nth),
            name=name_of(PHONES * len(STORE_IDS) + 1 + nth) + name,
            options=(),
            told=now,
            broken=broken,
        )
        life.versions.append(version)
        self.lives.append(life)
        if sent:
            slots = [slot for slot in slots_of(life, now + DAY) if slot.told.kind in sent]
            self.sent += slots
            self.sandbox.put_sms_item({**_record(life, version, slots), **(flags or {})})
        self.apply(life, version)
        return life

    def _put(self, life: Life, version: Version) -> None:
        shown = self._shown[life.store_id]
        shown.pop(life.booking_id, None)
        if version.status in LISTED:
            shown[life.booking_id] = raw_of(life, version)


def _record(life: Life, version: Version, sent: list[Slot]) -> Raw:
    """Write the item of table `sms` as the legacy left it."""
    start = datetime.fromtimestamp(version.start, SEOUL)
    kinds = {slot.told.kind for slot in sent if slot.told.kind != "guide"}
    if any(slot.told.kind == "guide" and _starts(slot, version.start) for slot in sent):
        kinds.add("guide")
    phone = version.phone
    return {
        "booking_num": life.number,
        "phone": f"{phone[:3]}-{phone[3:7]}-{phone[7:]}",
        "name": version.name,
        "booking_time": f"{start:%Y-%m-%d %H:%M:%S}",
        **{flag: kind in kinds for kind, flag in FLAGS.items()},
        "option_time": "",
    }


def _starts(slot: Slot, start: float) -> bool:
    return any(known == start for _, known in slot.starts)
