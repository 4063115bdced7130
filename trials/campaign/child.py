"""What the process of one run does: the real run, and nothing else."""

from __future__ import annotations

import gc
import logging
import os
import threading
from collections.abc import Mapping
from typing import Any


def import_everything() -> None:
    """Import what a run needs, so that forks have it; no thread and no connection is made."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.disable(logging.CRITICAL)  # what is expected to fail fails a thousand times
    import boto3
    import tqdm  # type: ignore[import-untyped]

    import naverplace.handler
    import naverplace.pipeline.local_runner  # noqa: F401
    from naverplace.quality.checkpoint_process import import_checkpoint

    import_checkpoint()  # so that no run starts a process for it

    tqdm.tqdm.monitor_interval = 0  # a thread of its own, which a fork would not have
    # Reading DynamoDB's model takes a tenth of a second, and boto3 keeps it.
    boto3.client("dynamodb", "ap-northeast-2")


def warm_up(order: Mapping[str, Any]) -> None:
    """Do once for all forks what no case changes: read the rules, validate the bookings.

    Raises RuntimeError when that has started a thread, which no fork would have.
    """
    from naverplace.pipeline import context
    from naverplace.pipeline.rulebook_in_force import load_files
    from naverplace.quality import validation
    from trials.campaign.known_rows import checkpoint_knowing, validate_once
    from trials.campaign.shop import readings

    settings = _settings(order)
    in_force, _ = load_files(settings)
    put_in_place(context, "load_in_force", lambda *args, **kwargs: in_force)
    known = validate_once(
        readings(), settings=settings.quality, known_stores=in_force.rulebook.stores
    )
    put_in_place(validation, "_run_checkpoint", checkpoint_knowing(known))
    if threading.active_count() > 1:
        raise RuntimeError(f"threads of the fork server: {threading.enumerate()}")
    gc.collect()
    gc.freeze()  # a run's garbage collection need not look through all that is imported


def run(order: Mapping[str, Any]) -> dict[str, Any]:
    """Do one run with the given environment, and return its report."""
    from naverplace.pipeline.local_runner import run_once

    env = order["env"]
    os.environ.update({name: value for name, value in env.items() if name.startswith("AWS_")})
    report = run_once(
        _settings(order),
        run_id=str(order["run_id"]),
        door="lambda",
        only=list(order["stores"]),
    )
    return report.as_json()


def put_in_place(owner: Any, name: str, value: Any) -> None:
    """Replace an attribute. Raises AttributeError when there is none of this name any more."""
    getattr(owner, name)
    setattr(owner, name, value)


def _settings(order: Mapping[str, Any]) -> Any:
    from naverplace.settings.loader import load_settings

    return load_settings(env=order["env"], env_file=None)
