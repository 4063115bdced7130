"""Planted bugs: what this trial must notice. Each breaks the real code in its own process."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trials.campaign.bugs import time_out_is_repeated
from trials.campaign.child import put_in_place


@dataclass(frozen=True)
class Bug:
    """One way to break the code, and inputs of a family that show it."""

    plant: Callable[[], None]
    family: str
    seeds: tuple[int, ...]


def plant(name: str) -> None:
    """Break the code of this process in one way, not at all for no name.

    Raises KeyError for an unknown name, AttributeError when what it replaces is not there any more.
    """
    if name:
        BUGS[name].plant()


def _names_as_they_come() -> None:
    """Let whatever stands in the field of the name go out."""
    from naverplace.base.korean_text import to_euc_kr
    from naverplace.rules import templates

    put_in_place(templates, "customer_name", to_euc_kr)


def _digits_join() -> None:
    """Drop what a text message cannot carry, as if it had never stood there."""
    from naverplace.base import korean_text
    from naverplace.rules import templates

    def dropped(text: str) -> str:
        return "".join(sign for sign in text if not korean_text.unsendable(sign))

    put_in_place(templates, "to_euc_kr", dropped)


def _a_phone_is_cut() -> None:
    """Take the first eleven digits for the number."""
    from naverplace.quality import frames

    put_in_place(frames, "normalise_phone", lambda raw: re.sub(r"\D", "", raw)[:11])


def _any_time_will_do() -> None:
    """Read a start in any form, Korean where it does not say."""
    from naverplace.base.clock import SEOUL, parse_time
    from naverplace.quality import frames

    put_in_place(frames, "_visit", lambda value: parse_time(value, SEOUL))


def _a_store_stops_all() -> None:
    """Let the error of one store end the run."""
    from naverplace.pipeline.local_runner import ThreadExecutor

    real = ThreadExecutor.each_store

    def each_store(self: ThreadExecutor, run: Any, step: Any, calls: Any) -> Any:
        ended = real(self, run, step, calls)
        for error in ended.values():
            if isinstance(error, Exception):
                raise error
        return ended

    put_in_place(ThreadExecutor, "each_store", each_store)


def _redirects_are_followed() -> None:
    """Go wherever Naver sends us."""
    import requests

    real = requests.Session.request

    def request(self: requests.Session, *words: Any, **more: Any) -> Any:
        return real(self, *words, **{**more, "allow_redirects": True})

    put_in_place(requests.Session, "request", request)
    from naverplace.base import http

    followed = requests.Session.get_redirect_target
    put_in_place(http._Session, "get_redirect_target", followed)


def _answers_of_any_size() -> None:
    """Read an answer to its end, however much it is."""
    from naverplace.base import http

    def whole(answer: Any, deadline: object) -> None:
        answer._content = answer.raw.read(decode_content=True)

    put_in_place(http, "_read_whole", whole)


def _secrets_are_shown() -> None:
    """Hide nothing, neither secret nor phone."""
    from naverplace.redaction import redactor

    put_in_place(redactor.Redactor, "scrub", lambda self, text: text)
    put_in_place(redactor, "safe_quote", lambda words, **more: words)
    from naverplace.messaging import sens

    put_in_place(sens, "safe_quote", lambda words, **more: words)


def _any_answer_is_acceptance() -> None:
    """Take every answer of SENS for a success."""
    from naverplace.messaging import sens

    put_in_place(sens, "accepted", lambda answer, **more: "RSLA-0")


def _texts_without_limits() -> None:
    """Make whatever a text says."""
    from naverplace.rules import templates

    put_in_place(templates, "_too_much", lambda parsed: ())


def _an_event_is_guessed() -> None:
    """Read an event as if it were right."""
    from naverplace import handler

    def read(event: Any) -> Any:
        return bool(event.get("dry_run")), [str(store) for store in event.get("stores", ())]

    put_in_place(handler, "_read_event", read)


def _a_list_is_all_or_nothing() -> None:
    """Refuse a store's list for one row that is no booking, without a word."""
    from naverplace.quality import frames

    real = frames.to_frame

    def to_frame(raws: Any, **more: Any) -> Any:
        return real([raw for raw in raws if raw.get("snapshotJson")], **more)

    put_in_place(frames, "to_frame", to_frame)


BUGS: dict[str, Bug] = {
    "names as they come": Bug(_names_as_they_come, "names", (1, 3)),
    "digits join": Bug(_digits_join, "options", (0, 1)),
    "a phone is cut": Bug(_a_phone_is_cut, "phones", (12, 14)),
    "any time will do": Bug(_any_time_will_do, "times", (2, 3)),
    "odd rows are dropped": Bug(_a_list_is_all_or_nothing, "json shapes", (5,)),
    "a store stops all": Bug(_a_store_stops_all, "naver answers", (4, 8)),
    "redirects are followed": Bug(_redirects_are_followed, "redirects", (0,)),
    "answers of any size": Bug(_answers_of_any_size, "sizes and speeds", (0,)),
    "secrets are shown": Bug(_secrets_are_shown, "sens answers", (11, 12)),
    "secrets are shown to commands": Bug(_secrets_are_shown, "quoted to commands", (13, 15)),
    "any answer is acceptance": Bug(_any_answer_is_acceptance, "sens answers", (1,)),
    "silence is repeated": Bug(time_out_is_repeated, "sens answers", (2,)),
    "texts without limits": Bug(_texts_without_limits, "templates", (0,)),
    "an event is guessed": Bug(_an_event_is_guessed, "lambda events", (0, 9)),
}
