"""`naverplace preview`: a message as a phone shows it, and one to the owner's own phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from naverplace.base.translation import gettext as _
from naverplace.cli.console import AsJson, out, plain_errors, print_json, print_lines
from naverplace.settings.loader import load_settings

if TYPE_CHECKING:
    from naverplace.pipeline.preview import Preview

PHONE_COLUMNS = 38  # as wide as a phone shows a text

What = Annotated[str, typer.Argument(help="A template or a rule.", metavar="TEMPLATE|RULE")]
StoreName = Annotated[str, typer.Option("--store", help="The store, by id or alias.")]
BookingName = Annotated[
    str, typer.Option("--booking", help="A booking of that store; else an invented one.")
]
Send = Annotated[bool, typer.Option("--send", help="Send it to your own phone, marked as a test.")]
To = Annotated[str, typer.Option("--to", help="Which of your own phones; else the first.")]


def preview(
    what: What,
    store: StoreName,
    booking: BookingName = "",
    send: Send = False,
    to: To = "",
    as_json: AsJson = False,
) -> None:
    """Show a message as a phone would; with --send to a number of NAVERPLACE_SENS__OWN_NUMBERS."""
    from naverplace.cli.stores import store_table, wanted
    from naverplace.messaging.own_number import OwnNumber
    from naverplace.pipeline.preview import preview_messages, send_test
    from naverplace.pipeline.rulebook_in_force import read_known_stores

    with plain_errors():
        settings = load_settings()
        own = OwnNumber(settings.sens, to) if send else None
        (chosen,) = wanted([store], read_known_stores(settings, store_table(settings).session))
        shown = preview_messages(settings, what, chosen, booking=booking)
        requests = [send_test(settings, one, own) for one in shown] if own else []
    if as_json:
        print_json({"messages": [one.as_json() for one in shown], "sent": requests})
        return
    for one in shown:
        _draw(one)
        print_lines(*_sizes(one))
    if own:
        words = _("{count} test messages went to {phone}")
        print_lines(words.format(count=len(requests), phone=own))


def _draw(shown: Preview) -> None:
    from rich.panel import Panel
    from rich.text import Text

    subject = f"{shown.subject}\n{'─' * (PHONE_COLUMNS - 4)}\n" if shown.subject else ""
    body = Text(subject + shown.text, overflow="fold")
    out.print(Panel(body, title=shown.sender, width=PHONE_COLUMNS, title_align="left"))


def _sizes(shown: Preview) -> Iterator[str]:
    from naverplace.reporting.costs import won_words
    from naverplace.rules.templates import LMS_BYTES, SMS_BYTES, SUBJECT_BYTES

    sizes = _("text {size} of {most} bytes").format(
        size=shown.text_bytes, most=SMS_BYTES if shown.message_type == "SMS" else LMS_BYTES
    )
    if shown.subject:
        words = _(", subject {size} of {most} bytes")
        sizes += words.format(size=shown.subject_bytes, most=SUBJECT_BYTES)
    price = "" if shown.won is None else f", {won_words(shown.won)}"
    yield f"{shown.template} ({shown.store}): {shown.message_type}, {sizes}{price}"
    longest = shown.longest
    yield _("with a long name: {type}, {size} bytes").format(
        type=longest.message_type, size=longest.text_bytes
    )
    if (shown.message_type, longest.message_type) == ("SMS", "LMS"):
        words = _("for customers with a long name it is an LMS, by {over} bytes")
        yield words.format(over=longest.over)
    if shown.content_type == "AD":
        yield _("an advertisement: not from 20:50 to 08:00, and not to who opted out")
