"""What the process of one input does: what somebody types, or what Lambda calls."""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import os
import resource
import sys
import tempfile
import threading
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from trials.campaign.child import import_everything as import_what_a_run_needs

MB = 1024  # kilobytes


def import_everything() -> None:
    """Import what any command needs, so that forks have it; no thread, no connection is made."""
    import_what_a_run_needs()
    logging.disable(logging.NOTSET)  # here the log is looked at
    import naverplace.cli.app
    import naverplace.jobs.doctor
    import naverplace.jobs.drain
    import naverplace.jobs.reconciliation.job
    import naverplace.jobs.watchdog.job
    import naverplace.pipeline.explain
    import naverplace.quality.checkpoint
    import naverplace.reporting.markdown
    import naverplace.rules.catalogue  # noqa: F401
    import trials.hostile.bugs  # noqa: F401


def warm_up(order: Mapping[str, Any]) -> None:
    """Do once for all forks what no input changes.

    Raises RuntimeError when that has started a thread, which no fork would have.
    """
    from naverplace.quality import checkpoint

    checkpoint.open_checkpoint()
    if threading.active_count() > 1:
        raise RuntimeError(f"threads of the fork server: {threading.enumerate()}")
    gc.collect()
    gc.freeze()


def run(order: Mapping[str, Any]) -> dict[str, Any]:
    """Do what the order says, in its folder, with its variables and nothing else of ours."""
    os.environ.clear()
    os.environ.update({"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **order["env"]})
    os.chdir(order["folder"])
    tempfile.tempdir = order["folder"]
    _redirect(order["folder"])
    if order["by_modes"]:
        _obey_modes()
    _shorten_deadlines(order["deadline"])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    doors = {"cli": _command, "lambda": _lambda}
    try:
        said = doors[order["door"]](order)
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {**said, "memory_mb": peak / MB, "memory_before_mb": before / MB}


def _shorten_deadlines(seconds: float) -> None:
    """Let no exchange with a service take longer: a minute each would be the whole play."""
    from naverplace.aws.deadlines import set_deadline
    from naverplace.base.http import DEADLINE, RetryPolicy
    from naverplace.messaging.single_send_http import SingleSendClient

    for asks in (RetryPolicy.__init__, SingleSendClient.__init__, set_deadline):
        defaults = asks.__defaults__ or ()
        if DEADLINE not in defaults:
            raise AttributeError(f"{asks} has no deadline any more")
        asks.__defaults__ = tuple(seconds if one == DEADLINE else one for one in defaults)


def _obey_modes() -> None:
    """Let modes of files hold for root too: give up CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    libc.capget(header, sets)
    for index in range(3):  # effective, permitted, inheritable
        sets[index] &= ~0b110
    if libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capset")


def _redirect(folder: str) -> None:
    """Let what is written to the terminal, by whomever, go into files."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        file = os.open(os.path.join(folder, name), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o666)
        os.dup2(file, number)
        setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def _command(order: Mapping[str, Any]) -> dict[str, Any]:
    from naverplace.cli.app import app

    try:
        app(args=list(order["words"]), prog_name="naverplace")
    except SystemExit as end:
        return {"exit": end.code if isinstance(end.code, int) else int(bool(end.code))}
    return {"exit": 0}


def _lambda(order: Mapping[str, Any]) -> dict[str, Any]:
    from naverplace.handler import lambda_handler

    logging.basicConfig(level=logging.INFO, force=True)
    context = SimpleNamespace(aws_request_id=order["run_id"], **order.get("context", {}))
    answer = lambda_handler(order["event"], context)
    return {"exit": int(answer["statusCode"] != 200), "answer": json.dumps(answer)}
