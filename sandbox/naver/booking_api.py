"""The booking API partner.booking.naver.com (outside-services: Naver API endpoints)."""

from __future__ import annotations

import copy
import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from sandbox.naver.lifecycle import complete, ends_at
from sandbox.naver.query import Query, Raw, Unprocessable, parse_query
from sandbox.state import World

SERVICE_COOKIE = "CSRF_BOOKING"
ROLES_FOR_COUNT = ("OWNER",)

# What other services of Naver show in place of JSON: a stub of about 565 bytes.
STUB = """<!DOCTYPE html>
<html lang="ko">
<head><meta charset="utf-8"><title>네이버</title>
<meta name="robots" content="noindex,nofollow"><meta http-equiv="Cache-Control" content="no-cache">
</head>
<body>
<script type="text/javascript">
var returnUrl = encodeURIComponent(location.href);
location.replace("%s/nidlogin.login?mode=form&url=" + returnUrl);
</script>
<noscript>로그인이 필요한 서비스입니다. 자바스크립트를 사용할 수 있도록 설정해 주세요.</noscript>
</body>
</html>
"""

Page = str | BaseResponse


def create_partner_app(world: World) -> Flask:
    """Create the booking API over this world's bookings and log-ins."""
    app = Flask("sandbox.naver.partner", root_path=__file__.rpartition("/")[0])
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]

    @app.get("/v3.1/businesses/<biz>/bookings/count")
    def count(biz: str) -> Page:
        role = request.headers.get("x-booking-naver-role", "")
        if role not in ROLES_FOR_COUNT:
            return _problem(403, f"role {role or 'none'} may not count bookings")
        return _answer(world, biz, "count", lambda _, chosen: {"count": len(chosen)})

    @app.get("/api/businesses/<biz>/bookings")
    def bookings(biz: str) -> Page:
        return _answer(world, biz, "page", lambda query, chosen: query.cut(chosen))

    @app.get("/bizes/<biz>/booking-list-view")
    def list_view(biz: str) -> Page:
        name = world.account.username if _logged_in(world) else ""
        page = Response(render_template("list_view.html", biz=biz, name=name))
        if name:
            page.set_cookie(SERVICE_COOKIE, secrets.token_hex(8), httponly=True)
        return page

    @app.after_request
    def common(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        return response

    return app


def _answer(
    world: World, biz: str, what: str, shape: Callable[[Query, list[Raw]], Any]
) -> BaseResponse:
    with world.lock:
        if not _logged_in(world):
            return _expired(world)
        if world.booking_switches.needs_service_cookie and SERVICE_COOKIE not in request.cookies:
            return _problem(401, "Unauthorized")
        if biz not in world.stores:
            return _problem(403, "no permission for this business")
        try:
            query = parse_query(request.args, world.booking_switches)
        except Unprocessable as error:
            return _problem(422, str(error))
        _complete(world, biz)
        chosen = shape(query, query.select(world.stores[biz]))
        # Half an emoji is valid JSON as its escape only.
        body = json.dumps(chosen, ensure_ascii=False).encode("utf-8", "backslashreplace")
        answer = Response(body, mimetype="application/json")
        _change(world, biz, what if what == "count" else f"page:{query.page}")
        return answer


def _change(world: World, biz: str, after: str) -> None:
    for change in world.booking_switches.due(biz, after):
        if change.add is not None:
            world.stores[biz].append(copy.deepcopy(dict(change.add)))
        if change.set_status is not None:
            booking_id, status = change.set_status
            for raw in world.stores[biz]:
                if raw["bookingId"] == booking_id:
                    raw["bookingStatusCode"] = status


def _complete(world: World, biz: str) -> None:
    after = world.booking_switches.complete_after
    if after is None:
        return
    for raw in world.stores[biz]:
        ends = ends_at(raw)
        if raw["bookingStatusCode"] == "RC03" and ends and ends + after <= world.now():
            complete(raw, at=world.now())


def _logged_in(world: World) -> bool:
    with world.lock:
        return world.cookies.valid(
            request.cookies.get("NID_AUT"), request.cookies.get("NID_SES"), world.now()
        )


def _expired(world: World) -> BaseResponse:
    if world.expired_variant == "redirect":
        back = urlencode({"mode": "form", "url": request.url})
        return redirect(f"{world.nid_url}/nidlogin.login?{back}")
    if world.expired_variant == "html":
        return Response(STUB % world.nid_url, mimetype="text/html")
    if world.expired_variant == "json403":
        return _problem(403, "Forbidden")
    return _problem(401, "Unauthorized")


def _problem(status: int, message: str) -> BaseResponse:
    response = jsonify({"status": status, "errorCode": f"RT{status}", "message": message})
    response.status_code = status
    return response
