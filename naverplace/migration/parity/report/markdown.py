"""The report in Markdown: for a pull request, and for the Prefect UI."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from naverplace.domain.message_kinds import kind_label
from naverplace.migration.parity.accepted_differences import NOT_VISIBLE, Accepted
from naverplace.migration.parity.report import labels
from naverplace.migration.parity.values import NOISE, Difference, Parity
from naverplace.reporting.thresholds import ThresholdRow

MOST = 50  # differences that are shown; the JSON has more


def as_markdown(parity: Parity, accepted: Mapping[str, Accepted]) -> str:
    """Write the whole report."""
    parts = [
        *_head(parity),
        "## Parity",
        _table(
            ("Aspect", "Legacy", "New", "Match"),
            ((row["aspect"], row["legacy"], row["new"], row["match"]) for row in parity.table),
        ),
        *_thresholds(parity),
        "## Stores",
        _table(
            ("Store", "Decisions", "Legacy sends", "New sends", "Accepted", "Unexplained"),
            (_of_store(row) for row in parity.stores),
        ),
        "## Evidence",
        "A GO needs the least number of distinct decisions, and of messages, of every row.",
        _table(("Store", "Kind", "Decisions", "Messages", "Unexplained", ""), _evidence(parity)),
        *_classes(parity, accepted),
        *_differences(parity),
    ]
    return "\n\n".join(parts) + "\n"


def _head(parity: Parity) -> Iterator[str]:
    yield f"# Parity: {parity.verdict} ({labels.KOREAN.get(parity.verdict, '')})"
    yield labels.MEANING.get(parity.verdict, "")
    yield "\n".join(f"- {line}" for line in parity.why)
    rows = [
        ("Comparison", parity.kind),
        ("Made", f"{parity.made_at:%Y-%m-%d %H:%M %Z}"),
        ("Compared", labels.span_words(parity)),
        ("Distinct decisions", f"{parity.decisions:,}"),
        ("Without a class", f"{parity.unexplained:,}"),
        ("Accepted", f"{sum(parity.accepted.values()):,}"),
        ("Noise (the source changed in between)", f"{parity.noise:,}"),
        ("Legacy against itself", labels.itself_words(parity)),
        ("Power", labels.power_words(parity)),
        ("Rules", parity.rules_version or "-"),
        ("Took", f"{parity.seconds:.1f} s"),
    ]
    yield _table(("", ""), rows)
    yield f"**Bound.** {labels.bound_words(parity)}"
    for note in parity.notes:
        yield f"> {note}"


def _thresholds(parity: Parity) -> Iterator[str]:
    if not parity.thresholds:
        return
    yield "## Thresholds"
    rows = (ThresholdRow(**row) for row in parity.thresholds)
    cells = ((row.metric, row.value, row.threshold, row.mark) for row in rows)
    yield _table(("Threshold", "Measured", "Limit", "Holds"), cells)


def _of_store(row: Mapping[str, object]) -> Sequence[object]:
    names = ("decisions", "legacy", "new", "accepted", "unexplained")
    return (f"{row['alias']} ({row['store_id']})", *(row[name] for name in names))


def _evidence(parity: Parity) -> Iterator[Sequence[object]]:
    for row in parity.evidence:
        yield (
            row.store_id,
            kind_label(row.kind),
            f"{row.decisions} of {row.needed}",
            f"{row.sent} of {row.needed_sent}",
            row.unexplained,
            "✅" if row.enough and not row.unexplained else "❌",
        )


def _classes(parity: Parity, accepted: Mapping[str, Accepted]) -> Iterator[str]:
    yield "## Differences by class"
    rows = [
        (name, count, " ".join(accepted[name].legacy), accepted[name].reason)
        for name, count in parity.accepted.items()
        if name in accepted
    ]
    yield _table(("Accepted", "Count", "Legacy", "Why"), rows) if rows else "None."
    unseen = [(i, why) for i, why in NOT_VISIBLE.items() if i in accepted]
    if unseen:
        yield "Accepted, but not visible in a comparison of decisions; each has its own test:"
        yield _table(("Id", "Why it cannot show here"), unseen)


def _differences(parity: Parity) -> Iterator[str]:
    wrong = [d for d in parity.differences if not d.explained]
    known = [d for d in parity.differences if d.explained and d.because != NOISE]
    yield "## Differences without a class"
    yield _listed(wrong) if wrong else "None."
    if parity.unexplained > MOST:
        yield f"{parity.unexplained - MOST} more; parity.json lists them."
    if known:
        yield "## Examples of accepted differences"
        yield _listed(known)


def _listed(differences: Iterable[Difference]) -> str:
    rows = [
        (
            d.booking_num or "-",
            kind_label(d.kind) or "-",
            f"{d.due:%m-%d %H:%M}" if d.due else "-",
            d.aspect,
            d.legacy,
            d.new,
            d.because or "**none**",
        )
        for d in list(differences)[:MOST]
    ]
    return _table(("Booking", "Kind", "Due", "Aspect", "Legacy", "New", "Class"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
