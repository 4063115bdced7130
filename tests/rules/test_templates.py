"""The texts: every mistake is found at load, with the line that it is on."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest

from naverplace.base.errors import CannotDecide
from naverplace.base.korean_text import size
from naverplace.domain.booking import Option
from naverplace.domain.stores import Store
from naverplace.rules.templates import Access, Rendered
from tests.rule_builders import (
    NOW,
    STORE,
    a_booking,
    a_rule,
    a_rulebook,
    access,
    at,
    problems,
    shipped,
    stores,
)

WHEN = "{{ booking.start }}"
ONE = {STORE: Store(id=STORE, name="가게", alias="가")}
TWO = {**ONE, "2": Store(id="2", name="둘째", alias="둘")}


def told(
    folder: Path, template: str, *, of: dict[str, Store] | None = None, said: Access | None = None
) -> list[str]:
    """List what is wrong with one template; its body begins on line 3."""
    text = f"templates:\n  note:\n{template}"
    rule = a_rule("starts_in_future")
    found = problems(folder, rule, templates=text, of_stores=of or ONE, with_access=said)
    return [problem.removeprefix("templates.yaml:") for problem in found]


def render(folder: Path, body: str, booking: object = None) -> Rendered:
    book = a_rulebook(
        folder,
        a_rule("starts_in_future"),
        templates=f"templates:\n  note: {body}\n",
        of_stores=ONE,
    )
    chosen = a_booking() if booking is None else booking
    return book.templates["note"].render(chosen, ONE[STORE], None)  # type: ignore[arg-type]


@pytest.mark.parametrize("sign", ["☁", "😀", "뷁", "⬇", "é"])
def test_a_sign_that_euc_kr_lacks_is_shown_with_its_place(tmp_path: Path, sign: str) -> None:
    found = told(tmp_path, f"    text: |\n      {WHEN}\n      둘째 {sign} 줄\n")

    assert len(found) == 1
    assert found[0].startswith("5:10: ")
    assert f"'{sign}' (U+{ord(sign):04X})" in found[0]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("booking.nam", "did you mean 'name'?"),
        ("booking.total_pric", "did you mean 'total_price'?"),
        ("booking.extra.total_pric", "did you mean 'total_price'?"),
        ("booking['nam']", "did you mean 'name'?"),
        ("store.alia", "did you mean 'alias'?"),
        ("boking.start", "did you mean 'booking'?"),
        ("acess.door_code", "did you mean 'access'?"),
    ],
)
def test_an_unknown_variable_is_told_with_the_nearest_one(
    tmp_path: Path, text: str, hint: str
) -> None:
    found = told(tmp_path, f"    text: |\n      {WHEN}\n      {{{{ {text} }}}}\n")

    assert len(found) == 1
    assert hint in found[0]
    if "[" not in text:
        assert found[0].startswith("5:10: ")


@pytest.mark.parametrize("name", ["booking", "store", "access"])
def test_a_variable_is_used_by_its_words_only(tmp_path: Path, name: str) -> None:
    found = told(tmp_path, f'    text: "{WHEN} {{{{ {name} }}}}"\n')

    assert len(found) == 1
    assert f"{name} is used by its words only" in found[0]


@pytest.mark.parametrize(
    "text", ["{{ booking.start", "{% if %}", "{% for o in booking.options %}", "{{ 1 | nofilter }}"]
)
def test_what_is_no_template_is_told_on_its_line(tmp_path: Path, text: str) -> None:
    [problem] = told(tmp_path, f"    text: |\n      {WHEN}\n      {text}\n")

    assert problem.split(":")[0] in ("4", "5", "6")
    assert "unknown filter" in problem or "cannot be read from here on" in problem


@pytest.mark.parametrize(
    "text",
    [
        *("{{ 'a' * 10**9 }}", "{{ 10**10**8 }}", "{{ 'a' * 999999999 }}", "{{ [1] * 99999999 }}"),
        *("{{ '%999999999s' % 1 }}", "{{ '%999999999s'|format(1) }}", "{{ 'a'|center(10**9) }}"),
        *("{{ 'a'|center(999999999) }}", "{{ 'a'|indent(999999999) }}", "{{ 'a'.ljust(10**9) }}"),
        *("{{ 'a'.zfill(999999999) }}", "{{ '{:999999999}'.format(1) }}", "{{ lipsum(99999) }}"),
        *("{{ ['a']|map('center', 999999999)|join }}", "{{ 'a'|replace('', 'b' ) }}"),
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "{% for a in booking.options %}{% for b in booking.options %}x{% endfor %}{% endfor %}",
        "{% for a in booking.options recursive %}{{ loop(booking.options) }}{% endfor %}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        "{% set x = 'ab' %}{% set x = x ~ x %}{{ x }}",
        "{% set n = namespace(x='a') %}{% for a in 'ab' %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% call lipsum() %}{% endcall %}{% include 'x' %}",
        "{% for a in 'a' * 99999999 %}x{% endfor %}",
        *("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "{{ 1" + " + 1" * 4000 + " }}"),
        *("{{ " + "9" * 5000 + " }}", "{{ " + "not " * 4000 + "1 }}", "{{ x" + ".y" * 6000 + " }}"),
        *("{% if 1 %}" * 900 + "{% endif %}" * 900, "가" * 20_001),
    ],
    ids=lambda text: text[:40],
)
def test_a_text_that_could_take_all_memory_is_refused_at_its_place_within_a_second(
    tmp_path: Path, text: str
) -> None:
    began = time.process_time()
    tracemalloc.start()
    found = told(tmp_path, f"    text: |\n      {WHEN}\n      {text}\n")
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found
    assert all(problem.split(":")[0] in ("4", "5", "6") for problem in found)
    assert "Traceback" not in found[0]
    assert used < 100e6
    assert time.process_time() - began < 3  # one second without the tracing


def test_words_conditions_and_a_loop_over_the_options_are_for_texts(tmp_path: Path) -> None:
    text = (
        "{% if booking.options|length > 1 and booking.name != 'a' %}{{ booking.name|upper }}"
        "{% for o in booking.options if o.count > 0 %}{{ loop.index ~ '. ' ~ o.name|trim }}"
        "{{ o.price + 1 if o.price else 0 }}{% endfor %}{% else %}{{ booking.name[:2] }}{% endif %}"
    )

    assert render(tmp_path, f'{{text: "{WHEN} {text}"}}').text


def test_a_subject_of_more_than_forty_bytes_is_refused(tmp_path: Path) -> None:
    fits, long = "가" * 20, "가" * 20 + "a"

    assert render(tmp_path, f'{{subject: "{fits}", text: "{WHEN}"}}').subject == fits
    [problem] = told(tmp_path, f'    subject: "{long}"\n    text: "{WHEN}"\n')
    assert "the subject takes 41 bytes, LMS at most 40" in problem


def test_a_text_of_more_than_two_thousand_bytes_is_refused(tmp_path: Path) -> None:
    longest = size("12월 31일(수) 오후 12:30")
    room = (2000 - longest) // 2

    assert render(tmp_path, f'{{text: "{"가" * room}{WHEN}"}}').message_type == "LMS"
    [problem] = told(tmp_path, f'    text: "{"가" * (room + 1)}{WHEN}"\n')
    assert "LMS at most 2000" in problem


def test_a_short_text_without_subject_is_an_sms_unless_it_says_otherwise(tmp_path: Path) -> None:
    spoken = size("10월 23일(목) 오후 2:02")
    exactly = "a" * (90 - spoken)

    assert render(tmp_path, f'{{text: "{exactly}{WHEN}"}}').message_type == "SMS"
    assert render(tmp_path, f'{{text: "a{exactly}{WHEN}"}}').message_type == "LMS"
    assert render(tmp_path, f'{{text: "{WHEN}", type: LMS}}').message_type == "LMS"
    assert render(tmp_path, f'{{text: "{WHEN}", subject: 가}}').message_type == "LMS"


def test_a_text_that_is_too_long_for_one_booking_is_not_cut(tmp_path: Path) -> None:
    options = "{% for o in booking.options %}{{ o.name }}{% endfor %}"
    many = tuple(Option(name="가" * 100) for _ in range(11))

    with pytest.raises(CannotDecide, match="template 'note': the text takes"):
        render(tmp_path, f'{{text: "{WHEN}{options}"}}', a_booking(options=many))


def test_a_field_that_a_booking_lacks_is_not_sent_as_none(tmp_path: Path) -> None:
    body = f'{{text: "{WHEN} {{{{ booking.total_price }}}}"}}'

    assert render(tmp_path, body, a_booking(extra={"total_price": 45000})).text.endswith("45000")
    with pytest.raises(CannotDecide, match=r"booking\.total_price is missing in this booking"):
        render(tmp_path, body, a_booking(extra={"total_price": None}))


def test_two_bookings_of_one_customer_must_not_get_the_same_text(tmp_path: Path) -> None:
    for text in ("고맙습니다", "{{ booking.date }}", "{{ booking.time }}", "{{ booking.name }}"):
        assert "would get the same message" in told(tmp_path, f'    text: "{text}"\n')[0]


def test_every_store_needs_its_guide(tmp_path: Path) -> None:
    found = told(tmp_path, f'    stores:\n      {STORE}: "{WHEN}"\n', of=TWO)
    strange = told(tmp_path, f'    stores:\n      {STORE}: "{WHEN}"\n      105170: "{WHEN}"\n')

    assert any("no text for store 2 (둘)" in problem for problem in found)
    assert strange == [f"5:7: unknown store '105170'; did you mean '{STORE}'?"]


@pytest.mark.parametrize(
    "body", ["    subject: 가\n", f'    text: "{WHEN}"\n    stores: {{{STORE}: "{WHEN}"}}\n']
)
def test_a_template_has_one_text_or_one_for_each_store(tmp_path: Path, body: str) -> None:
    assert "needs either 'text', or 'stores'" in told(tmp_path, body)[0]


def test_access_data_that_a_store_lacks_are_told_with_the_setting(tmp_path: Path) -> None:
    [problem] = told(tmp_path, f'    text: "{WHEN} {{{{ access.gate }}}}"\n', said=access())

    assert f"store {STORE} (가) has no access.gate: set it in NAVERPLACE_ACCESS" in problem


def test_an_access_word_that_cannot_be_sent_is_told_without_its_value(tmp_path: Path) -> None:
    body = f'    text: "{WHEN} {{{{ access.door_code }}}}"\n'

    [problem] = told(tmp_path, body, said=access(door_code="12☁34"))

    assert "access.door_code" in problem
    assert "12" not in problem.replace(STORE, "").partition(": ")[2]


WHO = "{{ store.alias }}"
AD = (
    "    advertisement: true\n    text: |\n"
    f"      (광고) {WHO} {WHEN}\n      무료수신거부 080-000-0000\n"
)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (AD.replace("(광고) ", ""), "must begin with (광고)"),
        (AD.replace(WHO, ""), "must name its sender"),
        (AD.replace("무료수신거부 080-000-0000", "끝"), "must end with its free opt-out"),
        (AD.replace("    advertisement: true\n", ""), "needs advertisement: true"),
        ('    send_between: ["07:59", "20:00"]\n' + AD, "from 08:00 to 20:50 only"),
        ('    send_between: ["08:00", "20:51"]\n' + AD, "from 08:00 to 20:50 only"),
    ],
)
def test_an_advertisement_must_be_as_the_law_wants_it(
    tmp_path: Path, body: str, problem: str
) -> None:
    assert problem in told(tmp_path, body)[0]


@pytest.mark.parametrize(
    "window",
    ['["20:00", "08:00"]', '["08:00", "08:00"]', '["08:00"]', "[8, 20]", '["8시", "20:00"]', "now"],
)
def test_a_window_is_two_times_of_one_day(tmp_path: Path, window: str) -> None:
    body = f'    text: "{WHEN}"\n    send_between: {window}\n'

    assert all(problem.startswith("4:") for problem in told(tmp_path, body))


def test_a_template_that_stands_twice_is_told(tmp_path: Path) -> None:
    (tmp_path / "templates-more.yaml").write_text(f'templates:\n  note: {{text: "{WHEN}"}}\n')

    [problem] = problems(tmp_path, a_rule("starts_in_future"))

    assert "template 'note' stands here twice, see" in problem


def test_a_wrong_key_is_told_with_the_nearest_one(tmp_path: Path) -> None:
    assert (
        told(tmp_path, f'    txt: "{WHEN}"\n')[0] == "3:5: unknown key 'txt'; did you mean 'text'?"
    )


def test_a_customer_cannot_write_a_template(tmp_path: Path) -> None:
    booking = a_booking(name="{{ access.x }}{% a %}", start=NOW)

    text = render(tmp_path, f'{{text: "{WHEN} {{{{ booking.name }}}}"}}', booking).text

    assert text.endswith("{{ access.x }}{% a %")  # cut to twenty bytes, and not read


def test_a_template_cannot_reach_into_the_machine(tmp_path: Path) -> None:
    body = f'    text: "{WHEN} {{{{ booking.start.__class__.__mro__ }}}}"\n'

    assert len(told(tmp_path, body)) == 1


def test_the_shipped_guide_differs_from_store_to_store() -> None:
    guide = shipped().templates["guide"]
    booking = a_booking(start=at("2025-10-22 15:00"))

    texts = {guide.render(booking, store, access()).text for store in stores().values()}

    assert len(texts) == len(stores())
    assert all("10월 22일(수) 오후 3:00" in text for text in texts)


@pytest.mark.parametrize(
    "text",
    [
        "｛｛ access.door_code ｝｝",
        "{booking.name}님",
        "{ { booking.name } }",
        "${name}님",
        "%name%님",
        "<<name>>님",
        "[[name]]님",
        "booking.name 님",
        "비밀번호 access．door_code",
        "비밀번호 }} 입니다",
    ],
)
def test_what_looks_like_a_variable_and_is_none_is_refused(tmp_path: Path, text: str) -> None:
    found = told(tmp_path, f"    text: '{WHEN} {text}'\n")

    assert any("looks like a variable and is none" in problem for problem in found), found
    assert found[0].startswith("3:")
