"""The actions that a rule may name: each says what is owed, and carries nothing out."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from naverplace.base.errors import CannotDecide
from naverplace.base.registry import Registry
from naverplace.base.translation import gettext as _
from naverplace.base.translation import gettext_noop as N_
from naverplace.domain.booking import VISITOR_PHONE, Told, new_item
from naverplace.domain.effects import (
    CreateRecord,
    Notify,
    Receiver,
    RecordKey,
    SendSms,
    SetFlag,
)
from naverplace.domain.message_kinds import FLAG_OF
from naverplace.domain.message_status import WITH_PROVIDER, MessageStatus
from naverplace.domain.notification_routing import Routing
from naverplace.domain.records import Record, notice_kind
from naverplace.domain.results import OPTED_OUT
from naverplace.domain.stores import Store
from naverplace.rules.conditions import Context
from naverplace.rules.parameters import (
    Flag,
    Kind,
    Switch,
    TemplateName,
    ValidationContext,
    cross_validate,
    not_declared,
)
from naverplace.rules.templates import Access, CompiledText, Template, compile_text, window_end

ACTIONS = action = Registry("action")


@dataclass(frozen=True)
class ActionContext(Context):
    """What an action may use besides what a condition may look at."""

    store: Store
    rule: str
    due: datetime | None  # when the rule began to hold
    templates: Mapping[str, Template]
    access: Access | None
    routing: Routing
    default_sender: str
    start_bound: bool = False  # the rule holds because of when the booking starts
    opted_out: Container[str] | None = field(default=(), repr=False)  # see Rulebook

    @property
    def key(self) -> RecordKey:
        """Name the item to write to: the record's own, wherever it was found."""
        return self.record.key if self.record else self.booking.key

    @property
    def item(self) -> dict[str, Any]:
        """Give the item as it is made anew, should it be missing."""
        return {**new_item(self.booking), "phone": self.key.phone}


@dataclass(frozen=True)
class NotDue:
    """Nothing is to be done now, and why; it stands in the verdict."""

    words: str  # marked by N_; `about` fills them in
    about: Mapping[str, object] = field(default_factory=dict)
    later: str = ""  # the kind of a message that stays owed

    @property
    def why(self) -> str:
        """Say it for verdicts and documents, which are English."""
        return self.words.format(**self.about)

    @property
    def shown(self) -> str:
        """Say it in the reader's language."""
        return _(self.words).format(**self.about)


Owed = CreateRecord | SendSms | SetFlag | Notify | NotDue


@action
def create_db_record(ctx: ActionContext) -> Owed:
    """Create the booking's record in table `sms`, with every flag False, if it has none.

    - create_db_record
    """
    if ctx.record is not None:
        return NotDue(N_("the record exists"))
    return CreateRecord(ctx.key, ctx.rule, ctx.item)


def kind_of(template: str, once: str | None) -> str:
    """Name the message's kind: a booking gets one message of a kind, ever."""
    return once or template


def _fits(known: ValidationContext, said: Any) -> str:
    if said.to == "visitor" and (lacking := not_declared(known, VISITOR_PHONE)):
        return lacking
    stores = (known.stores or {}).values()
    stand_ins = {(store.templates or {}).get(said.template) for store in stores}
    for name in (said.template, *sorted(filter(None, stand_ins))):
        template = known.templates.get(name)
        if template and template.per_store != said.per_store:
            words = (
                _("template {name!r} has a text for each store: write per_store: true")
                if template.per_store
                else _("template {name!r} has one text for all stores: write per_store: false")
            )
            return words.format(name=name)
    return ""


@action
@cross_validate(_fits)
def send_sms(
    ctx: ActionContext,
    *,
    template: TemplateName,
    per_store: Switch = False,
    once: Kind | None = None,
    to: Receiver = "booker",
    in_doubt: Literal["wait", "resend"] = "wait",
) -> Owed:
    """Send the customer one text message, once for each booking and kind.

    The kind is `once`, or else the template's name: never rename it while it is in use, or
    customers get the message again. `per_store` sends the store's own text from its own number.
    A message owed before the start is not sent after it, and none after the end of its template's
    `send_between`; without either it stays owed while the rule holds. A message that a rule owes
    because of the start (time_before_booking, date_is_today) is owed again when the booking moves.
    `to: visitor` sends it to the visitor in place of the booker, who gets it where there is none.
    `in_doubt` says what to do when nobody can tell whether SENS took the message: `wait` risks
    that it never comes, `resend`, shortly before it expires, that it comes twice.

        - send_sms: confirmation
        - send_sms: {template: guide, per_store: true}
        - send_sms: {template: guide, per_store: true, in_doubt: resend}
        - send_sms: {template: welcome, once: welcome_2025}
        - send_sms: {template: guide, per_store: true, to: visitor}
    """
    kind = kind_of(template, once)
    if done := _done(ctx.record, kind, FLAG_OF.get(kind)):
        return done
    phone = ctx.booking.phone_of(to)
    for_start = ctx.booking.start if ctx.start_bound else None
    if Told(kind, for_start, phone) in ctx.booking.told:
        return NotDue(N_("sent to its receiver already, when the booking had another phone"))
    name = (ctx.store.templates or {}).get(template, template)
    chosen = ctx.templates[name]
    if chosen.entry.advertisement:
        if ctx.opted_out is None:
            raise CannotDecide(
                _("who refused advertisements (080) could not be read, so none is sent")
            )
        if phone in ctx.opted_out:
            return NotDue(OPTED_OUT)
    expires = ctx.booking.start if ctx.booking.start > ctx.now else None
    if chosen.window:
        closes = window_end(chosen.window, ctx.now)
        if closes is None:
            begins, ends = chosen.window
            about = {"begins": begins, "ends": ends}
            return NotDue(N_("only from {begins:%H:%M} to {ends:%H:%M}"), about, later=kind)
        expires = min(closes, expires) if expires else closes
    sender = (ctx.store.sender if per_store else None) or ctx.default_sender
    if not sender:
        raise CannotDecide(
            _("store {store} has no sender, and there is no default sender").format(
                store=ctx.store.id
            )
        )
    rendered = chosen.render(ctx.booking, ctx.store, ctx.access)
    return SendSms(
        key=ctx.key,
        rule=ctx.rule,
        kind=kind,
        store_id=ctx.store.id,
        template=name,
        sender=sender,
        to=phone,
        subject=rendered.subject,
        text=rendered.text,
        message_type=rendered.message_type,
        content_type=rendered.content_type,
        flag=FLAG_OF.get(kind),
        due=_due(ctx, kind, chosen),
        expires=expires,
        for_start=for_start,
        start=ctx.booking.start,
        read_at=ctx.booking.read_at,
        access=chosen.uses_access_data(ctx.store.id),
        in_doubt=in_doubt,
        receiver=to,
        item=ctx.item,
    )


def _due(ctx: ActionContext, kind: str, template: Template) -> datetime:
    """Tell since when the message is owed: the latest of all that had to come true for it."""
    earlier = ctx.record.messages.get(kind) if ctx.record and not ctx.due else None
    since = [ctx.due, ctx.booking.status_known_since, earlier.due if earlier else None]
    if template.window:
        opens = template.window[0]
        since.append(ctx.now.replace(hour=opens.hour, minute=opens.minute, second=0, microsecond=0))
    known = [moment for moment in since if moment]
    return min(max(known), ctx.now) if known else ctx.now


@action
def update_flag(ctx: ActionContext, *, flag: Flag, value: Switch = True) -> Owed:
    """Set one flag of the booking's record; a message's own flag is set by its acceptance.

    - update_flag: {flag: option_sms, value: true}
    """
    if ctx.record is not None and getattr(ctx.record, flag) is value:
        return NotDue(N_("{flag} is {value} already"), {"flag": flag, "value": value})
    return SetFlag(ctx.key, ctx.rule, flag, value)


def _compile_line(source: object, info: ValidationInfo[ValidationContext]) -> CompiledText:
    """Compile a line for the owner: no access data, no personal fields but the name."""
    if not isinstance(source, str) or not source.strip():
        raise ValueError(_("should be a text with something in it"))
    known = info.context.fields
    open_to_see = None if known is None else [f for f in known.values() if not f.personal]
    read = compile_text(source, fields=open_to_see)
    if isinstance(read, CompiledText):
        return read
    raise PydanticCustomError("text", "{what}", {"what": read[0].what, "find": read[0].find})


Line = Annotated[
    CompiledText,
    PlainValidator(_compile_line),
    WithJsonSchema({"type": "string", "pattern": r"\S"}),
]


@action
def send_telegram(ctx: ActionContext, *, message: Line, once: Kind | None = None) -> Owed:
    """Tell the owner one line about the booking on Telegram, once for each booking and rule.

    The lines of one rule go out as one message a run. `once` names the notice, so that the rule
    may be renamed.

        - send_telegram: "새 예약: {{ store.alias }} {{ booking.name }} {{ booking.start }}"
    """
    return _notice(ctx, "telegram", message, once)


@action
def send_slack(ctx: ActionContext, *, message: Line, once: Kind | None = None) -> Owed:
    """Tell the owner one line about the booking on Slack, once for each booking and rule.

    Nothing is sent until Slack is enabled in rules/notifications.yaml.

        - send_slack: {message: "{{ booking.name }} ({{ booking.phone }})", once: roster}
    """
    return _notice(ctx, "slack", message, once)


def _notice(ctx: ActionContext, channel: str, message: CompiledText, once: str | None) -> Owed:
    kind = once or ctx.rule
    if channel not in ctx.routing.enabled:
        words = N_("{channel} is not enabled in notifications.yaml")
        return NotDue(words, {"channel": channel})
    if done := _done(ctx.record, notice_kind(channel, kind), None):
        return done
    return Notify(
        key=ctx.key,
        rule=ctx.rule,
        kind=kind,
        channel=channel,
        store_id=ctx.store.id,
        text=" ".join(message.render(ctx.booking, ctx.store).split()),
        item=ctx.item,
    )


def _done(record: Record | None, kind: str, flag: str | None) -> NotDue | None:
    if record is None:
        return None
    if flag:
        record.check_readable(flag)
    if flag and getattr(record, flag):
        return NotDue(N_("{flag} is set: sent already"), {"flag": flag})
    message = record.messages.get(kind)
    if message is None:
        return None
    if message.state == MessageStatus.EXPIRED:
        return NotDue(N_("its time is over: {why}"), {"why": message.reason})
    if message.state in WITH_PROVIDER:
        return NotDue(N_("accepted by the provider already"))
    return None
