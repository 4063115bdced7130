"""Mutants of the YAML that an owner may edit: rules, templates, routing."""

from __future__ import annotations

from trials.parity.mutants import Mutant

_RULES, _TEXTS, _GUIDES = "reminders.yaml", "templates.yaml", "templates-guide.yaml"
_NEW = "    - booking_not_in_db\n    - starts_in_future\n"
_OWED = "    - flag_not_set: confirm_sms\n    - starts_in_future\n"


def _edit(name: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(name, ((file, old, new),))


def _off(rule: str) -> Mutant:
    old = f"- rule: {rule}\n"
    return _edit(f"rule {rule} is off", _RULES, old, f"{old}  enabled: false\n")


RULES = (
    _edit("the guide three hours before", _RULES, "hours: 2", "hours: 3"),
    _edit("the guide one hour before", _RULES, "hours: 2", "hours: 1"),
    _edit("the guide a minute late", _RULES, "hours: 2", "hours: 1.98"),
    _edit(
        "the guide to completed bookings too",
        _RULES,
        "booking_status: RC03\n    - time_before",
        "booking_status: [RC03, RC08]\n    - time_before",
    ),
    _edit("the guide by the flag of the confirmation", _RULES, "remind_sms", "confirm_sms"),
    _edit("the guide by the flag of the event", _RULES, "remind_sms", "option_sms"),
    _edit(
        "the guide under another kind",
        _RULES,
        "{template: guide, per_store: true}",
        "{template: guide, per_store: true, once: guide_2}",
    ),
    _edit("the guide for the day only", _RULES, "time_before_booking: {hours: 2}", "date_is_today"),
    _edit(
        "the confirmation after the start",
        _RULES,
        _NEW,
        _NEW.replace("    - starts_in_future\n", ""),
    ),
    _edit(
        "an owed confirmation after the start",
        _RULES,
        _OWED,
        _OWED.replace("    - starts_in_future\n", ""),
    ),
    _edit(
        "the confirmation first on the day",
        _RULES,
        _NEW,
        _NEW.replace("starts_in_future", "date_is_today"),
    ),
    _edit(
        "the confirmation to known bookings",
        _RULES,
        "    - booking_not_in_db\n",
        "    - booking_in_db\n",
    ),
    _edit(
        "the confirmation in one store only",
        _RULES,
        _NEW,
        _NEW + "    - store_is: 1051707\n",
    ),
    _edit(
        "the confirmation not in one store",
        _RULES,
        _NEW,
        _NEW + "    - not: {store_is: 867589}\n",
    ),
    _off("new-booking"),
    _off("confirmation-still-owed"),
    _off("guide"),
    _off("event"),
    _edit("the event at six", _RULES, "current_hour: 20", "current_hour: 18"),
    _edit("the event at seven", _RULES, "current_hour: 20", "current_hour: 19"),
    _edit("the event at any hour", _RULES, "    - current_hour: 20\n", ""),
    _edit("the event before the visit", _RULES, "- booking_status: RC08", "- booking_status: RC03"),
    _edit(
        "the event to unknown bookings",
        _RULES,
        "    - booking_in_db\n    - flag_not_set: option_sms\n",
        "    - flag_not_set: option_sms\n",
    ),
    _edit("the event by the flag of the guide", _RULES, "option_sms", "remind_sms"),
    _edit(
        "the event without an option",
        _RULES,
        "    - has_option_keyword: [네이버, 인스타, 원본]\n",
        "",
    ),
    _edit("one keyword missing", _RULES, "[네이버, 인스타, 원본]", "[네이버, 원본]"),
    _edit("one keyword too many", _RULES, "[네이버, 인스타, 원본]", "[네이버, 인스타, 원본, 인원]"),
    _edit("another text to the confirmed", _RULES, "send_sms: confirmation", "send_sms: event"),
    _edit(
        "a word of welcome besides",
        "examples.yaml",
        "- rule: welcome\n  description: every new booking gets a word of welcome besides its "
        "confirmation\n  enabled: false",
        "- rule: welcome\n  description: every new booking gets a word of welcome besides its "
        "confirmation\n  enabled: true",
    ),
    _edit(
        "the owner is told on Slack only",
        "notifications.yaml",
        "channels: [telegram, slack]",
        "channels: [slack]",
    ),
)
TEXTS = (
    _edit("a confirmation without the name", _TEXTS, "{{ booking.name }}님, ", ""),
    _edit(
        "a confirmation with the end",
        _TEXTS,
        "예약 일시: {{ booking.start }}",
        "예약 일시: {{ booking.start }} - {{ booking.end }}",
    ),
    _edit(
        "a confirmation with its day written otherwise",
        _TEXTS,
        "예약 일시: {{ booking.start }}",
        "예약 일시: {{ booking.date }} / {{ booking.time }}",
    ),
    _edit("a confirmation with a slip", _TEXTS, "두 시간 전에", "세 시간 전에"),
    _edit("a confirmation without its number", _TEXTS, "{{ booking.booking_num }}", ""),
    _edit("a subject without the store", _TEXTS, "[예약확정] {{ store.alias }}", "[예약확정]"),
    _edit("a subject of another kind", _TEXTS, "[리뷰 이벤트] {{", "[이용안내] {{"),
    _edit(
        "an event until half past eight",
        _TEXTS,
        'send_between: ["08:00", "21:00"]',
        'send_between: ["08:00", "20:30"]',
    ),
    _edit("an event with a line less", _TEXTS, "      2. 후기 화면을 톡톡으로 보내 주세요.\n", ""),
    _edit("a guide without the door code", _GUIDES, "{{ access.door_code }}", "0000"),
    _edit("a guide with the keys swapped", _GUIDES, "access.door_code", "access.wifi_key"),
    _edit("a guide to another house", _GUIDES, "하늘빌딩 3층 302호", "무지개상가 2층 201호"),
    _edit(
        "a guide that greets otherwise",
        _GUIDES,
        "{{ booking.name }}님",
        "{{ booking.name }} 님",
    ),
)
