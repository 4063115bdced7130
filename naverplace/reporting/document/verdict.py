"""What the document comes to: cross-checks, parity, issues, verdict, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from naverplace.reporting.document.view import View, mark, moment
from naverplace.reporting.summary import table
from naverplace.reporting.thresholds import NOT_MEASURED, missed

NOT_CHECKED = "not checked"


def cross_checks(view: View) -> str:
    """Write the same messages counted in the plan, the results, the table and SENS's log."""
    report, check = view.report, view.check
    kinds = list(dict.fromkeys([*report.planned, *report.messages, *report.adopted]))
    rows = [
        [
            kind,
            str(report.planned.get(kind, 0)),
            str(report.messages.get(kind, 0)),
            str(report.adopted.get(kind, 0)),
            *_counted(view, kind),
        ]
        for kind in kinds
    ]
    sums = [sum(counts.values()) for counts in (report.planned, report.messages, report.adopted)]
    rows.append(["total", *map(str, sums), *_counted(view, None)])
    head = ["Kind", "Planned", "Accepted", "Adopted", "In the table", "In SENS's log"]
    lines = ["## Cross-Checks\n", table(head, rows), ""]
    if check:
        lines.append(f"- Messages too young for SENS's log: {check.not_yet}")
        lines += [f"- Not checked: {why}" for why in check.why_not]
    lines.append(f"- Contradictions: {len(view.contradictions)}")
    lines += [f"  - {found}" for found in view.contradictions]
    return "\n".join(lines)


def _counted(view: View, kind: str | None) -> list[str]:
    check = view.check
    if check is None:
        nothing = view.sent + sum(view.report.adopted.values()) == 0
        return ["0" if nothing else NOT_CHECKED] * 2
    return [
        NOT_CHECKED
        if counts is None
        else str(sum(counts.values()) if kind is None else counts.get(kind, 0))
        for counts in (check.table, check.log)
    ]


def legacy_comparison(view: View) -> str:
    """Write the parity result that was given; without one, that nothing was compared."""
    head = "## Comparison with Legacy\n\n"
    parity = view.parity
    if parity is None:
        return head + "Not compared: no parity result was given for this run."
    lines = [f"**Parity Verdict: {parity.get('verdict', NOT_MEASURED)}**", ""]
    if rows := parity.get("table"):
        cells = [[str(r[c]) for c in ("aspect", "legacy", "new", "match")] for r in rows]
        lines += [table(["Aspect", "Legacy", "New", "Match"], cells), ""]
    lines += [
        f"- {name.replace('_', ' ').capitalize()}: {parity[name]}"
        for name in ("decisions", "unexplained", "aa_differences", "mutants", "caught", "bound_95")
        if name in parity
    ]
    return head + "\n".join(lines)


def issues(view: View) -> str:
    """Write everything that somebody should look at, by how urgent it is."""
    found = list_issues(view)
    lines = ["## Issues Found\n"]
    for severity, those in found.items():
        name = severity if severity == "Warnings" else f"{severity} Issues"
        lines.append(f"**{name}:** {len(those) or f'None {mark(True)}'}  ")
        lines += [f"- {words}" for words in those]
    count = sum(len(those) for those in found.values())
    status = f"{count} ISSUE{'S' if count > 1 else ''}" if count else "NO ISSUES DETECTED"
    return "\n".join([*lines, "", f"**Overall Status: {status}**{'' if count else ' ✅'}"])


def list_issues(view: View) -> dict[str, list[str]]:
    """Sort what is wrong by severity; an empty list is a severity without an issue."""
    report, check = view.report, view.check
    broke_off = list(report.problems) if not report.stores else []
    return {
        "Critical": [*view.contradictions, *broke_off],
        "High": [
            *(problem for problem in report.problems if problem not in broke_off),
            *(f"too late: {r['kind']} of booking {r['booking']}" for r in report.expired),
        ],
        "Medium": [
            *(f"{r.metric} is {r.value}, not {r.threshold}" for r in missed(view.judged)),
            *(
                [f"bookings with broken data: {report.quarantined}, see the artifact *quarantine*"]
                if report.quarantined
                else []
            ),
        ],
        "Low": [f"not cross-checked: {why}" for why in (check.why_not if check else ())],
        "Warnings": [f"{check.not_yet} messages are not in SENS's log yet"]
        if check and check.not_yet
        else [],
    }


def verdict(view: View) -> str:
    """Write whether the run did what it should, with what shows it."""
    lines = ["## Verdict\n", f"### {conclusion(view)}\n", "**Evidence:**"]
    lines += [f"{number}. {words}" for number, words in enumerate(_evidence(view), 1)]
    return "\n".join(lines)


def conclusion(view: View) -> str:
    """Say the verdict in three words."""
    if view.failed:
        return "❌ RUN FAILED"
    return "✅ DRY RUN: NOTHING WAS SENT" if view.report.dry_run else "✅ RUN SUCCESSFUL"


def _evidence(view: View) -> Iterator[str]:
    report, check = view.report, view.check
    owed = sum(report.planned.values())
    balanced = not view.contradictions
    yield f"{mark(balanced)} Contradictions between sums: {len(view.contradictions)}"
    yield f"{mark(not report.problems)} Problems: {len(report.problems)}"
    if not report.dry_run:
        done = view.sent == owed
        yield f"{mark(done) if owed else '-'} SMS accepted: {view.sent}/{owed}"
    tallies = {"table": check.table if check else None, "SENS's log": check.log if check else None}
    for name, counts in tallies.items():
        if counts is None:
            yield f"- Looked up in {name}: {'nothing was sent' if not view.sent else NOT_CHECKED}"
        else:
            yield f"{mark(balanced)} Looked up in {name}: {sum(counts.values())} messages"
    judged = [row for row in view.judged if row.holds is not None]
    late = missed(view.judged)
    yield f"{mark(not late)} Thresholds that hold: {len(judged) - len(late)}/{len(judged)}"
    yield f"- Parity with the legacy: {'see above' if view.parity else 'not compared'}"


def next_steps(view: View) -> str:
    """Write what is to be done, from the issues that were found."""
    steps = [f"{number}. {words}" for number, words in enumerate(_steps(view), 1)]
    return "\n".join(["## Next Steps\n", *steps])


def _steps(view: View) -> Sequence[str]:
    report, found = view.report, list_issues(view)
    steps = []
    if view.contradictions:
        steps.append("Keep this document and the report, and open an issue: figures do not balance")
    if report.problems:
        steps.append("Look the problems up in docs/runbook.md")
    if report.unsettled:
        steps.append("Nothing by hand for messages in doubt: the next run settles them")
    if found["Warnings"] or found["Low"]:
        steps.append("Let the daily reconciliation look at SENS's log once more")
    if report.quarantined:
        steps.append("Correct the bookings with broken data in Naver's partner centre")
    return steps or ["Nothing: the next run follows by its schedule"]


def footer(view: View) -> str:
    """Write the last lines, which say the same as the first ones."""
    return "\n".join(
        [
            f"**Run Summary:** {conclusion(view)}  ",
            f"**Timestamp:** {moment(view.ended)}",
        ]
    )
