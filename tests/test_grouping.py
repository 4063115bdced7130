"""How `make test` shares the tests between processes."""

from __future__ import annotations

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process: nothing to share")
def test_a_files_tests_stay_in_one_process(request: pytest.FixtureRequest) -> None:
    # xdist writes the group behind the name. With a pytest it does not know it groups nothing:
    # three Prefect servers at once, and every fixture of a module made three times.
    assert request.node.nodeid.endswith("@test_grouping.py")
