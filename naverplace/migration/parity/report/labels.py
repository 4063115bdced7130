"""What a result is called, for the people who decide by it."""

from __future__ import annotations

from naverplace.migration.parity.values import GO, NO_GO, NOT_ENOUGH, Parity

KOREAN = {GO: "전환 가능", NO_GO: "전환 불가", NOT_ENOUGH: "증거 부족"}
MEANING = {
    GO: "No difference without a class, and enough decisions of every store and kind.",
    NO_GO: "Something differs that nobody has accepted, or the comparison cannot be trusted.",
    NOT_ENOUGH: "Nothing wrong was seen, but too little was compared to say so of every store.",
}


def bound_words(parity: Parity) -> str:
    """Word the statistical bound: what 'none in n' can say, and no more."""
    if parity.bound_95 is None:
        return "No bound: differences without a class were found, or nothing was compared."
    return (
        f"None in {parity.decisions:,} distinct decisions: at 95 % confidence, at most "
        f"{parity.bound_95:.4%} of such decisions differ (rule of three, 3/n)."
    )


def span_words(parity: Parity) -> str:
    """Word which runs were compared."""
    if not parity.first or not parity.last:
        return "no runs"
    return f"{parity.runs} runs, {parity.first:%Y-%m-%d %H:%M} to {parity.last:%Y-%m-%d %H:%M}"


def power_words(parity: Parity) -> str:
    """Word what the comparator was shown to see."""
    if parity.mutants is None:
        return "not measured in this comparison; `make parity` measures it"
    missed = f"; not seen: {', '.join(parity.survivors)}" if parity.survivors else ""
    return f"{parity.caught} of {parity.mutants} wrong systems were seen{missed}"


def itself_words(parity: Parity) -> str:
    """Word the comparison of the legacy with itself."""
    if parity.aa_differences is None:
        return "not measured"
    return f"{parity.aa_differences} differences (must be 0)"
