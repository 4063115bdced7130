"""The control API: what happened outside, and what shall happen there; JSON on its own port."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from sandbox.control_bookings import change_bookings
from sandbox.faults import SERVICES, Fault
from sandbox.naver_account import MODES
from sandbox.naver_switches import EXPIRED_VARIANTS
from sandbox.phones import HasWorld, add_phones_page
from sandbox.sens_delivery import delivery_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox.request_log import Seen

FAULT_KEYS = ("service", "match", "kind", "after", "times", "value")


class Controlled(HasWorld, Protocol):
    """What the control API asks of a sandbox, and tells it to do."""

    @property
    def expected(self) -> Mapping[str, Any]: ...
    @property
    def urls(self) -> Mapping[str, str]: ...
    def environment(self) -> dict[str, str]: ...
    def reset(self, scenario: str | Path | None, *, now: datetime | None = None) -> None: ...


def create_control_app(sandbox: Controlled) -> Flask:
    """Create the control API of this sandbox, with the phones page at `/`."""
    app = Flask("sandbox.control", root_path=__file__.rpartition("/")[0])
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    add_phones_page(app, sandbox)
    _add_questions(app, sandbox)
    _add_orders(app, sandbox)

    @app.errorhandler(HTTPException)
    def unknown(error: HTTPException) -> Response:
        return _say({"error": error.description}, error.code or 500)

    @app.errorhandler(ValueError)
    @app.errorhandler(KeyError)
    @app.errorhandler(TypeError)
    def wrong(error: Exception) -> Response:
        missing = f"missing {error}" if isinstance(error, KeyError) else str(error)
        return _say({"error": missing}, 400)

    return app


def _say(body: Any, status: int = 200) -> Response:
    response = jsonify(body)
    response.status_code = status
    return response


def _given() -> dict[str, Any]:
    """Read the order's JSON object; a form is refused, so that no web page can give orders."""
    given = request.get_json()
    if not isinstance(given, dict):
        raise ValueError("the body must be a JSON object")
    return given


def _add_questions(app: Flask, sandbox: Controlled) -> None:
    world = sandbox.world

    @app.get("/state")
    def state() -> Response:
        with world.lock:
            return _say(_state(sandbox))

    @app.get("/messages")
    def messages() -> Response:
        with world.lock:
            sms = [delivery_of(world, message) for message in world.messages]
            return _say({"sms": sms, "telegram": world.telegram, "slack": world.slack})

    @app.get("/requests")
    def requests() -> Response:
        wanted = request.args.get("service")
        if wanted is not None and wanted not in SERVICES:
            raise ValueError(f"unknown service {wanted!r}; use {', '.join(SERVICES)}")
        seen = list(world.requests)
        return _say([_shown(one) for one in seen if wanted in (None, one.service)])

    @app.get("/faults")
    def faults() -> Response:
        return _say([_fault(fault) for fault in world.faults])

    @app.get("/environment")
    def environment() -> Response:
        return _say(sandbox.environment())


def _add_orders(app: Flask, sandbox: Controlled) -> None:
    world = sandbox.world

    @app.post("/faults")
    def add_fault() -> Response:
        given = request.get_json()
        faults = [Fault(**one) for one in (given if isinstance(given, list) else [given])]
        with world.lock:
            world.faults.extend(faults)
        return _say([_fault(fault) for fault in faults], 201)

    @app.delete("/faults")
    def no_faults() -> Response:
        with world.lock:
            world.faults.clear()
        return Response(status=204)

    @app.post("/reset")
    def reset() -> Response:
        given = _given()
        now = datetime.fromisoformat(given["now"]) if "now" in given else None
        sandbox.reset(given["scenario"], now=now)
        return _say(_state(sandbox))

    @app.post("/clock")
    def clock() -> Response:
        given = _given()
        if not given.keys() & {"now", "advance_seconds"}:
            raise ValueError("say `now` (a time with a zone) or `advance_seconds`")
        with world.lock:
            if "now" in given:
                world.set_now(datetime.fromisoformat(given["now"]))
            world.advance(float(given.get("advance_seconds", 0)))
        return _say({"now": world.now().isoformat(), "offset": world.offset.total_seconds()})

    @app.post("/account")
    def account() -> Response:
        with world.lock:
            _switch_account(sandbox, _given())
            return _say(_state(sandbox)["account"])

    @app.post("/bookings")
    def bookings() -> Response:
        with world.lock:
            return _say(change_bookings(world, _given()))


def _state(sandbox: Controlled) -> dict[str, Any]:
    world = sandbox.world
    return {
        "scenario": sandbox.scenario.name if sandbox.scenario else None,
        "now": world.now().isoformat(),
        "urls": sandbox.urls,
        "bookings": {store: len(raws) for store, raws in world.stores.items()},
        "messages": len(world.messages),
        "telegram": len(world.telegram),
        "slack": len(world.slack),
        "requests": len(world.requests),
        "faults": [_fault(fault) for fault in world.faults],
        "account": {
            "mode": world.account.mode,
            "attempts": world.account.attempts,
            "logged_in": len(world.cookies.alive),
            "expired_variant": world.expired_variant,
        },
        "expected": dict(sandbox.expected),
    }


def _switch_account(sandbox: Controlled, given: dict[str, Any]) -> None:
    world = sandbox.world
    mode = given.get("mode", world.account.mode)
    variant = given.get("expired_variant", world.expired_variant)
    if mode not in MODES:
        raise ValueError(f"unknown mode {mode!r}; use {', '.join(MODES)}")
    if variant not in EXPIRED_VARIANTS:
        raise ValueError(f"unknown variant {variant!r}; use {', '.join(EXPIRED_VARIANTS)}")
    world.account.mode, world.expired_variant = mode, variant
    approved = given.get("two_step_approved", world.account.two_step_approved)
    world.account.two_step_approved = bool(approved)
    if given.get("log_out"):
        world.cookies.kill_all()


def _fault(fault: Fault) -> dict[str, Any]:
    return {**{key: getattr(fault, key) for key in FAULT_KEYS}, "hits": fault.hits}


def _shown(seen: Seen) -> dict[str, Any]:
    return {
        "service": seen.service,
        "method": seen.method,
        "path": seen.target,
        "headers": seen.headers,
        "body": seen.body.decode("utf-8", "replace"),
        "status": seen.status,
        "at": seen.at.isoformat(),
        "seconds": round(seen.seconds, 4),
    }
