"""The login site nid.naver.com, with the pages that a login may end on.

See outside-services: Naver login page, Naver login interruptions, Naver cookies.

It serves www.naver.com under /www and new.smartplace.naver.com under /smartplace as well, because
cookies of 127.0.0.1 are shared by all ports and the browser must come back to somewhere.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from sandbox.naver.captcha import captcha_picture
from sandbox.naver_account import KEPT_FOR, Login
from sandbox.state import World

WRONG_PASSWORD = (
    "아이디(로그인 전화번호, 로그인 전용 아이디) 또는 비밀번호가 잘못 되었습니다. "
    "아이디와 비밀번호를 정확히 입력해 주세요."
)
WRONG_CAPTCHA = "자동입력 방지문자를 잘못 입력하셨습니다. 정답을 입력해 주세요."
SAFETY_RELEASE = "/user2/help/idSafetyRelease"
YEAR_SECONDS = int(timedelta(days=365).total_seconds())

Page = str | BaseResponse


def create_nid_app(world: World) -> Flask:
    """Create the login site over this world's account and log-ins."""
    app = Flask("sandbox.naver.nid", root_path=__file__.rpartition("/")[0])
    pending: dict[str, tuple[str, bool]] = {}  # ticket -> (return address, keep)

    def form(url: str, *, error: str = "", captcha: bool = False) -> str:
        return render_template("login.html", url=url, error=error, captcha=captcha)

    def welcome(url: str, *, keep: bool) -> BaseResponse:
        with world.lock:
            login = world.cookies.issue(world.now(), keep=keep)
        return _with_cookies(redirect(_loopback(url) or "/www/"), login)

    def interrupt(page: str, url: str, *, keep: bool) -> str:
        ticket = secrets.token_urlsafe(12)
        with world.lock:
            pending[ticket] = (url, keep)
        return render_template(page, ticket=ticket)

    @app.get("/nidlogin.login")
    def login_page() -> Page:
        return form(request.args.get("url", ""))

    @app.post("/nidlogin.login")
    def log_in() -> Page:
        account, sent = world.account, request.form
        username, url, keep = sent.get("id", ""), sent.get("url", ""), "keep" in sent
        with world.lock:
            account.attempted(username)
            mode = account.mode
        if mode == "hang":
            account.released.wait(account.hang_seconds)
            mode = "ok"
        if mode == "wrong_password" or not account.matches(username, sent.get("pw", "")):
            return form(url, error=WRONG_PASSWORD)
        if mode == "captcha" and sent.get("captcha") != account.captcha_answer:
            return form(url, error=WRONG_CAPTCHA if "captcha" in sent else "", captcha=True)
        if mode == "protected":
            return redirect(f"{SAFETY_RELEASE}?{urlencode({'lang': 'ko_KR'})}")
        if mode in ("new_device", "two_step"):
            return interrupt(f"{mode}.html", url, keep=keep)
        return welcome(url, keep=keep)

    @app.post("/nidlogin.new")
    def new_device() -> Page:
        url, keep = pending.pop(request.form.get("ticket", ""), ("", False))
        return welcome(url, keep=keep) if url else form("")

    @app.get("/nidlogin.twostep")
    def two_step() -> Page:
        ticket = request.args.get("ticket", "")
        if ticket not in pending:
            return form("")
        if not world.account.two_step_approved:
            return render_template("two_step.html", ticket=ticket)
        url, keep = pending.pop(ticket)
        return welcome(url, keep=keep)

    @app.get(SAFETY_RELEASE)
    def protected() -> Page:
        return render_template("protected.html")

    @app.get("/captcha.png")
    def captcha() -> BaseResponse:
        return Response(captcha_picture(), mimetype="image/png")

    @app.get("/user2/help/myInfoV2")
    def my_info() -> Page:
        if not _logged_in(world):
            back = urlencode({"mode": "form", "url": request.url})
            return redirect(f"/nidlogin.login?{back}")
        return render_template("page.html", title="내정보", name=world.account.username)

    @app.get("/www/")
    @app.get("/www")
    def www() -> Page:
        name = world.account.username if _logged_in(world) else ""
        return render_template("page.html", title="NAVER", name=name)

    @app.get("/smartplace/")
    @app.get("/smartplace")
    def smartplace() -> Page:
        name = world.account.username if _logged_in(world) else ""
        return render_template("page.html", title="네이버 스마트플레이스", name=name)

    @app.get("/favicon.ico")
    def favicon() -> BaseResponse:
        return Response(status=204)

    @app.after_request
    def common(response: Response) -> Response:
        if "NNB" not in request.cookies:
            response.set_cookie("NNB", secrets.token_hex(7).upper(), max_age=YEAR_SECONDS)
        response.headers["Cache-Control"] = "no-store"
        return response

    return app


def _logged_in(world: World) -> bool:
    with world.lock:
        return world.cookies.valid(
            request.cookies.get("NID_AUT"), request.cookies.get("NID_SES"), world.now()
        )


def _with_cookies(response: BaseResponse, login: Login) -> BaseResponse:
    # Max-Age, not Expires: the browser runs on the machine's clock, this world on its own.
    lasts = int(KEPT_FOR.total_seconds()) if login.kept else None
    for name, value in (("NID_AUT", login.aut), ("NID_SES", login.ses)):
        response.set_cookie(name, value, max_age=lasts, httponly=True, samesite="Lax")
    response.set_cookie("nid_inf", secrets.token_hex(5), max_age=lasts)
    return response


def _loopback(url: str) -> str:
    """Keep the return address only when it stays on this machine."""
    return url if urlsplit(url).hostname in ("127.0.0.1", "localhost") else ""
