"""What `HYPOTHESIS_PROFILE=nightly make test-all` plays, and `make test-all` leaves out by day."""

from __future__ import annotations

import os

import pytest

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
at_night = pytest.mark.skipif(not NIGHTLY, reason="at night: HYPOTHESIS_PROFILE=nightly")
