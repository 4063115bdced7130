"""The comparator: two sides of the same inputs, matched by key, every difference with its class."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from naverplace.base.clock import SEOUL
from naverplace.base.phone import mask
from naverplace.domain.message_kinds import FLAG_OF
from naverplace.domain.stores import Store
from naverplace.migration.parity.accepted_differences import held_back, law_for
from naverplace.migration.parity.booking_view import (
    BookingView,
    booking_views,
    legacy_chokes,
    number_of,
)
from naverplace.migration.parity.differences import (
    item_differences,
    keys_by_number,
    message_differences,
)
from naverplace.migration.parity.legacy_texts import LegacyTexts
from naverplace.migration.parity.values import (
    ACCEPTANCE,
    NOISE,
    UNFIT,
    ComparedRun,
    DecisionKeys,
    Difference,
    Message,
    SystemOutput,
)
from naverplace.pipeline.capture.inputs import EVENING, Inputs


@dataclass(frozen=True)
class Comparator:
    """What is accepted, and what the texts are measured by."""

    accepted: Collection[str]  # ids; what is not among them stays unexplained
    texts: LegacyTexts
    stores: Mapping[str, Store]

    def compare(
        self,
        inputs: Inputs,
        legacy: SystemOutput,
        new: SystemOutput,
        *,
        noise: Collection[str] = (),
    ) -> ComparedRun:
        """Compare two sides; `noise` are bookings that the source changed between two readings."""
        run = _Run(self, inputs, legacy, new, booking_views(inputs))
        differences = []
        for difference in run.differences():
            because = difference.because if difference.because in self.accepted else ""
            because = NOISE if difference.booking_num in noise else because
            differences.append(replace(difference, because=because))
        decisions, sent = run.decisions()
        return ComparedRun(
            inputs.run_id, inputs.now, legacy, new, decisions, sent, tuple(differences)
        )


def changed_between(first: Inputs, second: Inputs) -> frozenset[str]:
    """Name the bookings that the source tells differently in two readings: the noise."""

    def told(inputs: Inputs) -> dict[str, list[object]]:
        rows: dict[str, list[object]] = {}
        for raw in (*inputs.confirmed, *inputs.completed):
            rows.setdefault(number_of(raw), []).append(raw)
        for key, item in sorted(inputs.items.items()):
            rows.setdefault(key.booking_num, []).append(item)
        return rows

    before, after = told(first), told(second)
    return frozenset(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))


@dataclass(frozen=True)
class _Run:
    """One run while it is compared."""

    by: Comparator
    inputs: Inputs
    legacy: SystemOutput
    new: SystemOutput
    views: Mapping[str, BookingView]

    def decisions(self) -> tuple[DecisionKeys, DecisionKeys]:
        """List every booking x kind, and those that a side sends."""
        every = {
            (view.store_id, kind, view.key(kind))
            for view in self.views.values()
            for kind in view.kinds()
        }
        sends = {(k.store_id, k.kind, k) for k in (*self.legacy.sends, *self.new.sends)}
        return frozenset(every | sends), frozenset(sends)

    def differences(self) -> Iterator[Difference]:
        """Find all that the sides do not do alike."""
        written = keys_by_number(self.legacy), keys_by_number(self.new)
        sent: dict[str, set[str]] = {}
        for key in (*self.legacy.sends, *self.new.sends):
            sent.setdefault(key.booking_num, set()).add(key.kind)
        for number, view in self.views.items():
            classes: dict[str, tuple[str, bool]] = {}
            usual = view.kinds()
            for kind in (*usual, *sorted(sent.get(number, set()) - set(usual))):
                for found in self._of_message(view, kind):
                    if found.aspect == "decision":
                        classes[kind] = found.because, view.key(kind) in self.legacy.sends
                    yield found
            own = written[0].get(number, []), written[1].get(number, [])
            for one in item_differences(
                view, self.inputs, sides=(self.legacy, self.new), written=own, decided=classes
            ):
                words = f"{one.field}={one.legacy}", f"{one.field}={one.new}"
                yield self._difference(view, "flags", "", words=words, because=one.because)
        yield from self._unknown()
        yield from self._of_run()

    def _of_message(self, view: BookingView, kind: str) -> Iterator[Difference]:
        key = view.key(kind)
        old, new = self.legacy.sends.get(key, ()), self.new.sends.get(key, ())
        law, does = law_for(view, kind, legacy_sends=bool(old)), ("does not send", "sends")
        if bool(old) != bool(new):
            why = law or (held_back(view, kind) if old else self._lost_by_legacy(view, kind))
            words = does[bool(old)], does[bool(new)]
            yield self._difference(view, "decision", kind, words=words, because=why)
            return
        if law:
            words = f"{does[bool(old)]}, but {law} says that they differ", does[bool(new)]
            yield self._difference(view, "decision", kind, words=words, because="")
        if len(old) > 1 or len(new) > 1:
            words = f"sends {len(old)}", f"sends {len(new)}"
            yield self._difference(view, "twice", kind, words=words, because="")
        if old and new:
            for aspect, why in message_differences(
                old[0], new[0], kind=kind, view=view, texts=self.by.texts, stores=self.by.stores
            ):
                words = _shown(aspect, old[0]), _shown(aspect, new[0])
                yield self._difference(view, aspect, kind, words=words, because=why)

    def _lost_by_legacy(self, view: BookingView, kind: str) -> str:
        """A flag that the legacy set for a message that SENS has never seen: refused (L14)."""
        flag, own = FLAG_OF.get(kind), view.own or {}
        for key, item in self.legacy.flags.items():
            if key.booking_num == view.number and flag and item.get(flag) is True:
                return ACCEPTANCE if own.get(flag) is not True else ""
        return ""

    def _unknown(self) -> Iterator[Difference]:
        """Name what is sent for bookings that are in no list, or for another time than theirs."""
        for side in (self.legacy, self.new):
            for key in side.sends:
                view = self.views.get(key.booking_num)
                if view is None or view.key(key.kind) != key:
                    words = ["sends" if side is s else "-" for s in (self.legacy, self.new)]
                    yield Difference(
                        *(self.inputs.run_id, key.store_id, "decision", key.kind, key.booking_num),
                        due=key.due,
                        legacy=words[0],
                        new=words[1],
                    )

    def _of_run(self) -> Iterator[Difference]:
        """Compare what belongs to no booking: the owner's texts, and errors."""
        old, new = self.legacy.owner_texts, self.new.owner_texts
        if old is not None and new is not None and old != new:
            words = f"{old} texts to the owner", f"{new} texts to the owner"
            yield self._difference(None, "owner", "", words=words, because="")
        evening = self.inputs.now.astimezone(SEOUL).hour == EVENING  # it reads completed ones
        read = (*self.inputs.confirmed, *(self.inputs.completed if evening else ()))
        count, chokes = len(self.legacy.errors), sum(map(legacy_chokes, read))
        if count or self.new.errors:
            # What the legacy stumbles over and swallows (L17) is what quarantine takes out here.
            fine = not self.new.errors and count == chokes
            words = f"{count} swallowed", f"{len(self.new.errors)} undecided, {chokes} quarantined"
            yield self._difference(None, "errors", "", words=words, because=UNFIT if fine else "")

    def _difference(
        self,
        view: BookingView | None,
        aspect: str,
        kind: str,
        *,
        words: tuple[str, str],
        because: str,
    ) -> Difference:
        due = view.key(kind).due if view and kind else None
        store, number = (view.store_id, view.number) if view else ("", "")
        return Difference(
            self.inputs.run_id, store, aspect, kind, number, due, *words, because=because
        )


def _shown(aspect: str, message: Message) -> str:
    """Show what differs without what nobody may read: numbers masked, of texts their size."""
    if aspect == "recipient":
        return mask(message.to)
    if aspect == "text":
        return f"{len(message.text)} signs"  # it may hold a door code
    if aspect == "type":
        return f"{message.type} {message.content_type}"
    return str(getattr(message, aspect))
