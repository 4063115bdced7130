"""The comparator: two sides of the same inputs, matched by key, every difference with its class."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from naverplace.base.clock import SEOUL
from naverplace.base.phone import mask
from naverplace.domain.message_kinds import FLAG_OF
from naverplace.domain.stores import Store
from naverplace.migration.parity.accepted_differences import (
    EVENING,
    held_back,
    law_for,
    legacy_owes,
    legacy_raises,
)
from naverplace.migration.parity.booking_view import BookingView, booking_views, number_of
from naverplace.migration.parity.differences import (
    item_differences,
    keys_by_number,
    lacking,
    message_differences,
)
from naverplace.migration.parity.legacy_texts import LegacyTexts
from naverplace.migration.parity.values import (
    NOISE,
    AcceptedId,
    ComparedRun,
    Difference,
    LegacyDeath,
    Message,
    SystemOutput,
)
from naverplace.pipeline.capture.inputs import DecisionKey, Inputs


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
        death: LegacyDeath | None = None,
    ) -> ComparedRun:
        """Compare two sides; `noise` are bookings that the source changed between two readings.

        `legacy` of a dead run is what it would have decided without the rows that ended it; when it
        died itself, it has decided nothing that could be compared.
        """
        views = {} if legacy.died else booking_views(inputs)
        run = _Run(self, inputs, legacy, new, views, death)
        decisions, sent = run.decisions()
        differences = []
        for difference in run.of_death() if legacy.died else run.differences():
            because = difference.because if difference.because in (*self.accepted, NOISE) else ""
            because = NOISE if difference.booking_num in noise else because
            differences.append(replace(difference, because=because))
        return ComparedRun(
            *(inputs.run_id, inputs.now, legacy, new, decisions, sent, tuple(differences), death)
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
    death: LegacyDeath | None

    def decisions(self) -> tuple[frozenset[DecisionKey], frozenset[DecisionKey]]:
        """List every booking x kind, and those that a side sends."""
        if self.legacy.died:
            return frozenset(), frozenset()
        fatal = {number for number, view in self.views.items() if view.fatal}
        every = {view.key(kind) for view in self.views.values() for kind in view.kinds()}
        sends = {*self.legacy.sends, *self.new.sends}
        readable = frozenset(key for key in every | sends if key.booking_num not in fatal)
        return readable, readable & sends

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
                for difference in self._of_message(view, kind):
                    if difference.aspect == "decision":
                        classes[kind] = difference.because, view.key(kind) in self.legacy.sends
                    yield difference
            own = written[0].get(number, []), written[1].get(number, [])
            for changed in item_differences(
                view, self.inputs, sides=(self.legacy, self.new), written=own, decided=classes
            ):
                words = f"{changed.field}={changed.legacy}", f"{changed.field}={changed.new}"
                yield self._difference(view, "flags", "", words=words, because=changed.because)
        yield from self.of_death()
        yield from self._unknown()
        yield from self._of_run()

    def of_death(self) -> Iterator[Difference]:
        """Tell that the legacy's run died: of rows that are listed, or of what no inputs show."""
        if self.death is None:
            return
        seen, rows = self.death.output, self.death.rows
        quiet = seen.died and not (seen.sends or seen.flags) and seen.owner_texts in (None, 1)
        # Which pages and containers end a run (L28, L30) stands in no inputs.
        known = bool(rows) == (seen.died == "L27")
        what = f"died ({seen.died})" if seen.died else "did not die"
        words = f"{what}: {'; '.join(rows)}", f"sends {sum(map(len, self.new.sends.values()))}"
        because = AcceptedId.DIED if quiet and known else ""
        yield self._difference(None, "run", "", words=words, because=because)

    def _of_message(self, view: BookingView, kind: str) -> Iterator[Difference]:
        key = view.key(kind)
        old, new = self.legacy.sends.get(key, ()), self.new.sends.get(key, ())
        shifted, does = self._shifted(view, kind, seen=bool(old)), ("does not send", "sends")
        # What the legacy would have done at our moment is what the laws are about.
        law = law_for(view, kind, legacy_sends=bool(old) != bool(shifted))
        why = law if not shifted else "" if law else AcceptedId.MOMENT
        if bool(old) != bool(new):
            why = why or (held_back(view, kind) if old else self._lost_by_legacy(view, kind))
            why = NOISE if shifted is None else why
            words = does[bool(old)], does[bool(new)]
            yield self._difference(view, "decision", kind, words=words, because=why)
            return
        if why:
            words = f"{does[bool(old)]}, but {why} says that they differ", does[bool(new)]
            unknown = NOISE if shifted is None else ""
            yield self._difference(view, "decision", kind, words=words, because=unknown)
        if len(old) > 1 or len(new) > 1:
            words = f"sends {len(old)}", f"sends {len(new)}"
            yield self._difference(view, "twice", kind, words=words, because="")
        if old and new:
            for aspect, why in message_differences(
                old[0], new[0], kind=kind, view=view, texts=self.by.texts, stores=self.by.stores
            ):
                words = _shown(aspect, old[0]), _shown(aspect, new[0])
                yield self._difference(view, aspect, kind, words=words, because=why)

    def _shifted(self, view: BookingView, kind: str, *, seen: bool) -> bool | None:
        """Tell whether the legacy decides otherwise than at our moment, for its own is another.

        None: it may have compared before or after an edge (L29).
        """
        here = legacy_owes(view, kind, (view.now,))
        moments = self._moments("" if kind == "event" else view.number)
        if seen or not self.legacy.between:
            return here != legacy_owes(view, kind, moments)
        there = {legacy_owes(view, kind, (at,)) for at in (moments[0], moments[-1])}
        return None if len(there) > 1 else here not in there

    def _moments(self, name: str) -> tuple[datetime, ...]:
        return self.legacy.moments.get(name) or self.legacy.between or (self.inputs.now,)

    def _lost_by_legacy(self, view: BookingView, kind: str) -> str:
        """A flag that the legacy set for a message that SENS has never seen: refused (L14)."""
        flag, own = FLAG_OF.get(kind), view.own or {}
        for key, item in self.legacy.flags.items():
            if key.booking_num == view.number and flag and item.get(flag) is True:
                return AcceptedId.ACCEPTANCE if own.get(flag) is not True else ""
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
        if old is not None and new is not None and (old != new or self.new.collects):
            words = f"{old} texts to the owner", f"{new} texts to the owner"
            # Several runs are told in one text: then no run of its own has one.
            because = AcceptedId.QUIET if self.new.collects and not new else ""
            yield self._difference(None, "owner", "", words=words, because=because)
        if self.legacy.told is None:  # nobody hears of what it swallows
            missed = 0
        else:
            evening = EVENING in {at.astimezone(SEOUL).hour for at in self._moments("")}
            rows = [("RC03", raw) for raw in self.inputs.confirmed]
            rows += [("RC08", raw) for raw in self.inputs.completed if evening]
            missed = sum(self._raises(number_of(raw), status) for status, raw in rows)
        count = len(self.legacy.errors)
        if count or missed or self.new.errors:
            because = AcceptedId.FLAG if not self.new.errors and count == missed else ""
            words = f"{count} swallowed", f"{len(self.new.errors)} undecided, {missed} without flag"
            yield self._difference(None, "errors", "", words=words, because=because)

    def _raises(self, number: str, status: str) -> bool:
        return legacy_raises(self.views[number], status, self._moments(number))

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
    if aspect == "signs":
        return f"{lacking(message.text)} that EUC-KR lacks: unknown what the provider does"
    if aspect == "type":
        return f"{message.type} {message.content_type}"
    return str(getattr(message, aspect))
