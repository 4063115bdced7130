"""The checkpoint of Great Expectations that every row meets before a message may be sent for it.

Importing it takes seconds: `checkpoint_process` does. It is made once a process.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, cast

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.checkpoint.actions import ActionContext, ValidationAction
from great_expectations.checkpoint.checkpoint import Checkpoint, CheckpointResult

from naverplace.base.clock import SEOUL
from naverplace.quality.validation import TWICE, UNREACHABLE, Refusal

STATUSES = ("RC03", "RC08")  # the two lists that are read (L6)
QUARANTINE, _ROWS = "quarantine", "unexpected_index_list"  # names in a result
LOCK = threading.Lock()  # the library remembers one active batch, whatever thread asks


class Quarantine(ValidationAction):
    """Names in the result which rows must not pass, and why."""

    type: Literal["quarantine"] = "quarantine"
    name: str = "quarantine"

    def run(
        self, checkpoint_result: CheckpointResult, action_context: ActionContext | None = None
    ) -> dict[str, Any]:
        """Put the refusals into the result's meta, where whoever ran the checkpoint reads them."""
        for key, result in checkpoint_result.run_results.items():
            failed: list[Any] = [one for one in result.results if not one.success]
            meta = cast("dict[str, Any]", result.meta)
            meta[QUARANTINE] = [
                (one.expectation_config.meta["reason"], one.result.get(_ROWS)) for one in failed
            ]
            # It would keep every run's result as long as the process lives.
            self._data_context.validation_results_store.remove_key(key)
        return {}


def run_checkpoint(rows: pd.DataFrame, parameters: Mapping[str, Any]) -> list[Refusal]:
    """Tell which rows the checkpoint refuses, and why."""
    with LOCK:
        checked = open_checkpoint().run(
            batch_parameters={"dataframe": rows}, expectation_parameters=dict(parameters)
        )
    (result,) = checked.run_results.values()
    refused: list[Refusal] = cast("dict[str, Any]", result.meta)[QUARANTINE]
    return refused


@cache
def open_checkpoint() -> Checkpoint:
    """Make the checkpoint, once a process; whoever runs it holds `LOCK`."""
    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    _remove_sites(context)
    asset = context.data_sources.add_pandas("naver").add_dataframe_asset("bookings")
    suite = context.suites.add(gx.ExpectationSuite("bookings", expectations=_expectations()))
    batch = asset.add_batch_definition_whole_dataframe("run")
    checks = gx.ValidationDefinition(name="bookings", data=batch, suite=suite)
    made: Checkpoint = context.checkpoints.add(
        Checkpoint(
            name="bookings",
            validation_definitions=[context.validation_definitions.add(checks)],
            actions=[Quarantine()],
            # The query that would find the rows again is a third of the work, and nobody asks it.
            result_format={"result_format": "COMPLETE", "return_unexpected_index_query": False},
        )
    )
    return made


def _remove_sites(context: Any) -> None:
    """Take away the docs site that a context comes with, and the folder it has made in /tmp."""
    for site in list(context.get_site_names()):
        backend = context.variables.data_docs_sites[site]["store_backend"]
        shutil.rmtree(backend["base_directory"], ignore_errors=True)
        context.delete_data_docs_site(site)


def _expectations() -> list[Any]:
    """List them; the `reason` of each is what a person reads about a row that fails it.

    One that ignores missing values stands beside one that refuses them.
    """

    e: Any = gxe  # its names are exported without saying so

    def because(reason: str) -> dict[str, Any]:
        return {"meta": {"reason": reason}}

    def given(name: str) -> dict[str, str]:
        return {"$PARAMETER": name}

    return [
        e.ExpectColumnValuesToNotBeNull(column="booking_id", **because("booking id: missing")),
        e.ExpectCompoundColumnsToBeUnique(
            column_list=["asked_store", "booking_id", "status"],
            ignore_row_if="any_value_is_missing",
            **because(TWICE),
        ),
        e.ExpectColumnValuesToNotBeNull(column="phone_shape", **because("phone: missing")),
        e.ExpectColumnValuesToMatchRegex(
            column="phone_shape",
            regex=r"^(?:01[016789]|050[2-8])-\*{4}-\d{4}$",
            **because(UNREACHABLE),
        ),
        e.ExpectColumnValuesToNotBeNull(
            column="start", **because("start: missing, or not UTC like 2025-10-21T09:00:00Z")
        ),
        e.ExpectColumnValuesToBeInSet(
            column="start_zone", value_set=[SEOUL.key], **because("start: not on Asia/Seoul")
        ),
        e.ExpectColumnValuesToBeBetween(
            column="start",
            min_value=given("earliest"),
            max_value=given("latest"),
            **because("start: not between {earliest:%Y-%m-%d} and {latest:%Y-%m-%d}"),
        ),
        e.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="end",
            column_B="start",
            ignore_row_if="either_value_is_missing",
            **because("end: not after the start"),
        ),
        e.ExpectColumnValuesToNotBeNull(column="status", **because("status: missing")),
        e.ExpectColumnValuesToBeInSet(
            column="status", value_set=list(STATUSES), **because("status: not one that was asked")
        ),
        e.ExpectColumnValuesToNotBeNull(column="store_id", **because("store: missing")),
        e.ExpectColumnValuesToBeInSet(
            column="store_id", value_set=given("known_stores"), **because("store: unknown")
        ),
        e.ExpectColumnPairValuesToBeEqual(
            column_A="store_id",
            column_B="asked_store",
            ignore_row_if="either_value_is_missing",
            **because("store: not the one that was asked"),
        ),
    ]
