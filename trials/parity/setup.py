"""The two systems as the golden set meets them: shipped rules, invented keys to invented doors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

from pydantic import SecretStr

from naverplace.domain.stores import Store, load_stores
from naverplace.migration.parity.accepted_differences import load_accepted
from naverplace.migration.parity.comparator import Comparator
from naverplace.migration.parity.comparison_run import Legacy, NewSystem
from naverplace.migration.parity.legacy_texts import load_legacy_texts
from naverplace.pipeline.capture.inputs import Inputs
from naverplace.rules.rulebook import load_rulebook
from naverplace.settings.sections import QualitySettings
from tasks.modelled_legacy import Clock, modelled_legacy

ROOT = Path(__file__).resolve().parents[2]
RULES, DEPLOYMENTS = ROOT / "rules", ROOT / "deployments"
SENDER = "0310000000"
MOVING = "moving"
SESSION, COMPARISON = timedelta(seconds=26), timedelta(milliseconds=20)


@dataclass(frozen=True)
class Setup:
    """Both sides, and what compares them."""

    stores: dict[str, Store]
    legacy: Legacy
    comparator: Comparator

    def new(self, rules: Path = RULES) -> NewSystem:
        """Read the rules and make the new side of them."""
        book = load_rulebook(
            rules,
            self.stores,
            default_sender=SENDER,
            access=access_of(self.stores),
        )
        return NewSystem(book, QualitySettings())


def access_of(stores: dict[str, Store]) -> dict[str, dict[str, SecretStr]]:
    """Invent a door code and a Wi-Fi key for every store, all different."""
    return {
        store_id: {
            "door_code": SecretStr(f"{place}000#"),
            "wifi_key": SecretStr(f"invented-{place}"),
        }
        for place, store_id in enumerate(stores, start=1)
    }


def clock_of(inputs: Inputs) -> Clock:
    """Let the time stand, or move as in a real run of the legacy (L29), by the run's name."""
    moments = (inputs.now + SESSION + nth * COMPARISON for nth in count())
    return (lambda: next(moments)) if MOVING in inputs.run_id else (lambda: inputs.now)


def make_setup() -> Setup:
    """Make both sides of what the project ships."""
    stores = load_stores(DEPLOYMENTS / "stores.yaml")
    texts = load_legacy_texts(DEPLOYMENTS / "legacy-texts.yaml", access_of(stores), stores)
    accepted = load_accepted(DEPLOYMENTS / "accepted-differences.yaml")
    return Setup(
        stores=stores,
        legacy=modelled_legacy(texts, sender=SENDER, stores=stores, clock_of=clock_of),
        comparator=Comparator(accepted, texts, stores),
    )
