"""The planted bug that several trials must notice: a message that is held is taken as free."""

from __future__ import annotations

from typing import Any

import pytest

from naverplace.ledger import message_ledger
from naverplace.ledger.message_ledger import ClaimRefused


def grant_a_second_claim(patch: pytest.MonkeyPatch) -> None:
    """Take a message that another run is sending, or has left in doubt, as free."""
    real = message_ledger.interpret_claim

    def interpret_claim(claim: Any, old: Any) -> Any:
        met = real(claim, old)
        if isinstance(met, ClaimRefused) and met.message and met.message.is_in_doubt:
            return met.message
        return met

    patch.setattr(message_ledger, "interpret_claim", interpret_claim)
    patch.setattr(message_ledger, "assert_transition", lambda *states: None)
