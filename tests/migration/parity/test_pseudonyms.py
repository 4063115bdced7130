"""Pseudonyms: alike for alike, of the same form, decided alike, and nothing real is left."""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naverplace.base.clock import SEOUL
from naverplace.base.korean_text import size, to_euc_kr, unsendable
from naverplace.base.phone import legacy_sort_key_phone, normalise_phone
from naverplace.domain.effects import RecordKey
from naverplace.domain.extra_fields import Field
from naverplace.pipeline.capture.bundle import Bundle, Outputs, encode_bundle
from naverplace.pipeline.capture.inputs import Inputs
from naverplace.pipeline.capture.pseudonymise import (
    UNKNOWN,
    booking,
    item,
    plain_text,
    pseudonymise,
)
from naverplace.pipeline.capture.pseudonyms import Pseudonyms
from sandbox.naver.bookings import a_booking

NOW = datetime(2025, 10, 22, 12, 0, tzinfo=SEOUL)
NAMES = Pseudonyms("a-key-for-tests-only")
OTHER = Pseudonyms("another-key-for-tests")
MOBILES = st.from_regex(r"01[16789][0-9]{7,8}|010[0-9]{8}|050[2-8][0-9]{7,8}", fullmatch=True)
ANYTHING = st.text("0123456789 -+()abc가٣", max_size=16)
# Signs that no pseudonym is made of, so that what is found of them must be real.
REAL_NAMES = st.text("꽃별달솔봄숲", min_size=2, max_size=4)
FIELDS = (
    Field("total_price", "totalPrice", "int", personal=False),
    Field("item_name", "snapshotJson.bizItemName", "str", personal=False),
    Field("email", "email", "str", personal=True),
    Field("careless", "snapshotJson.email", "str", personal=False),
    Field("more_careless", "customFormInputJson", "list", personal=False),
)


def is_reachable(phone: str) -> bool:
    try:
        return bool(normalise_phone(phone))
    except ValueError:
        return False


def spellings(digits: str) -> list[str]:
    return [
        digits,
        f"{digits[:3]}-{digits[3:-4]}-{digits[-4:]}",
        f"+82 {digits[1:3]} {digits[3:-4]} {digits[-4:]}",
        f"+82 0{digits[1:]}",
        f"0082{digits[1:]}",
        f"82{digits[1:]}",
        f" {digits}",
    ]


@given(MOBILES)
def test_every_spelling_of_a_phone_gives_the_same_pseudonym_in_that_spelling(real: str) -> None:
    reached = [one for one in spellings(real) if is_reachable(one) and normalise_phone(one) == real]

    given_ = [NAMES.phone(one) for one in reached]

    assert len({normalise_phone(one) for one in given_}) <= 1
    for before, after in zip(reached, given_, strict=True):
        assert re.sub(r"\d", "0", after) == re.sub(r"\d", "0", before)
        assert len(normalise_phone(after)) == len(real)
        assert normalise_phone(after)[:3] == real[:3]


@given(ANYTHING | MOBILES)
def test_a_pseudonym_is_reachable_just_when_the_phone_is(real: str) -> None:
    assert is_reachable(NAMES.phone(real)) == is_reachable(real)
    assert len(NAMES.phone(real)) == len(real)


@given(MOBILES)
def test_a_pseudonym_of_a_mobile_is_a_number_that_nobody_has(real: str) -> None:
    if is_reachable(real):
        after = NAMES.phone(real)
        head = 4 if real.startswith("050") else 3
        assert (after[:head], after[head]) == (real[:head], "0")


@given(MOBILES | ANYTHING)
def test_the_legacys_key_of_a_pseudonym_is_the_pseudonym_of_the_legacys_key(real: str) -> None:
    assert NAMES.key_phone(legacy_sort_key_phone(real)) == legacy_sort_key_phone(NAMES.phone(real))


def test_a_key_that_nobody_sliced_is_changed_as_it_stands() -> None:
    assert NAMES.key_phone("01012345678") == NAMES.phone("01012345678")


@given(st.from_regex(r"010[2-9][0-9]{7}", fullmatch=True))
def test_the_key_matters(real: str) -> None:
    if is_reachable(real):
        assert NAMES.phone(real) == Pseudonyms("a-key-for-tests-only").phone(real)
        assert NAMES.phone(real) != real
    assert NAMES.name("홍길동꽃별") != OTHER.name("홍길동꽃별")
    assert NAMES.key_id != OTHER.key_id


def test_different_people_get_different_pseudonyms() -> None:
    phones = [f"0102{number:07}" for number in range(0, 10**6, 1999)]

    assert len({NAMES.phone(phone) for phone in phones}) == len(phones)


@pytest.mark.parametrize(
    "real", ["", "  ", "02-1234-5678", "15881234", "0105971234", "010-000O-0001", "+1 202 555 0100"]
)
def test_a_number_that_no_message_reaches_keeps_its_shape_and_not_its_digits(real: str) -> None:
    after = NAMES.phone(real)

    assert not is_reachable(after)
    assert re.sub(r"\d", "0", after) == re.sub(r"[A-Za-z]", "x", re.sub(r"\d", "0", real))
    assert len(real.strip()) < 4 or after != real


def test_digits_of_another_script_stay_in_it() -> None:
    wide = NAMES.phone("０１０12345678")

    assert wide.startswith("０１０")
    assert normalise_phone(wide) == NAMES.phone("01012345678")


@pytest.mark.parametrize(
    "real",
    [
        "홍길동",
        "나무 늘보",
        "나무😀",
        "Kim Min",
        "뷁뷁이",
        "O'Neil-2",
        "李英",
        "ㅋㅋ",
        "Jürgen ★",
        "김",
    ],
)
def test_an_invented_name_has_the_form_of_the_real_one(real: str) -> None:
    invented = NAMES.name(real)

    assert invented != real
    assert len(invented) == len(real)
    assert [bool(unsendable(sign)) for sign in invented] == [bool(unsendable(s)) for s in real]
    assert size(to_euc_kr(invented)) == size(to_euc_kr(real))
    blanks = [at for at, sign in enumerate(real) if sign in " '-"]
    assert [invented[at] for at in blanks] == [real[at] for at in blanks]


def test_a_name_written_by_an_iphone_is_the_same_name() -> None:
    loose = unicodedata.normalize("NFD", "홍길동")

    assert unicodedata.normalize("NFC", NAMES.name(loose)) == NAMES.name("홍길동")
    assert unicodedata.is_normalized("NFD", NAMES.name(loose))


@given(st.text(max_size=12))
def test_any_text_may_be_a_name(real: str) -> None:
    assert NAMES.name(real) == NAMES.name(real)


@settings(max_examples=40, deadline=None)
@given(
    st.from_regex(r"0109[0-9]{7}", fullmatch=True).filter(is_reachable),
    st.integers(0, 6),
    REAL_NAMES,
)
def test_nothing_of_a_customer_is_left_in_the_bytes_of_a_bundle(
    phone: str, spelling: int, name: str
) -> None:
    written = spellings(phone)[spelling]
    raw = full_of(name, written)
    key = RecordKey("1051707_7", legacy_sort_key_phone(written))
    inputs = Inputs("run", NOW, ("1051707",), [raw, raw], [raw], dict([an_item(key, name)]))

    clean = pseudonymise(inputs, NAMES, FIELDS)

    text = gzip.decompress(
        encode_bundle(Bundle(clean, Outputs(), NOW + timedelta(days=30)))
    ).decode()
    digits = re.sub(r"[\s()+.-]", "", text)
    told = json.dumps(json.loads(text), ensure_ascii=False)
    assert name not in told
    assert phone[3:] not in digits
    for canary in ("canary", "@", "userId", "customForm", "8000007", "192.0.2.1", "door"):
        assert canary not in told
    (item_key,) = clean.items
    assert item_key.phone == legacy_sort_key_phone(str(clean.confirmed[0]["phone"]))
    assert clean.confirmed[0]["name"] == clean.items[item_key]["name"] == NAMES.name(name)


def full_of(name: str, phone: str) -> dict[str, Any]:
    """Make a booking that says name and phone wherever Naver may ever say them."""
    form = [{"title": "요청", "value": f"canary {name} {phone}"}]
    raw = a_booking(
        "1051707",
        7,
        NOW,
        name=name,
        phone=phone,
        options=[(f"원본 {phone}", 1)],
        changes={
            "customFormInputJson": form,
            "memo": f"canary {name} {phone}",
            "orderer": {"name": name, "phone": phone},
            "visitors": [name, phone],
            "regDateTime": f"{name} {phone}",
            "nPayChargedName": name,
        },
    )
    raw["snapshotJson"] |= {"customFormInputJson": form, "bizItemName": f"촬영 {phone} a@canary.kr"}
    return raw


def an_item(key: RecordKey, name: str) -> tuple[RecordKey, dict[str, Any]]:
    message = {
        "state": "refused",
        "attempt": 2,
        "refusals": 1,
        "token": "f" * 32,
        "run_id": "canary-run",
        "claimed_at": "2025-10-22T03:00:00+00:00",
        "due": f"{name}",
        "reason": f"canary: {name} {key.phone}",
        "request_id": "canary-request",
        "content_hash": "canary-hash",
    }
    return key, {
        **key._asdict(),
        "name": name,
        "booking_time": "2025-10-22 15:00:00",
        "confirm_sms": True,
        "remind_sms": 1,
        "naverplace_reserved_remind_sms": "2025-10-22T12:00:00+09:00",
        "option_time": "",
        "created_by": "canary",
        "message_guide": message,
        f"message_{name}": message,
        "note": f"canary {name}",
    }


def test_of_a_booking_stays_what_decides() -> None:
    raw = a_booking("1051707", 7, NOW, name="나무", phone="01098765432", options=[("원본 전체", 2)])

    clean = booking(raw, NAMES, FIELDS)

    for name in ("bookingId", "businessId", "bookingStatusCode", "regDateTime", "totalPrice"):
        assert clean[name] == raw[name]
    for name in ("startDateTime", "endDateTime", "bizItemName"):
        assert clean["snapshotJson"][name] == raw["snapshotJson"][name]
    option = {"name": "원본 전체", "bookingCount": 2, "price": 0}
    assert clean["snapshotJson"]["bookingOptionJson"] == [option]


def test_of_an_item_stay_keys_flags_and_where_its_messages_stand() -> None:
    _, kept = item(*an_item(RecordKey("1051707_7", "010-9876-5432"), "나무"), NAMES)

    assert kept == {
        "booking_num": "1051707_7",
        "phone": NAMES.key_phone("010-9876-5432"),
        "name": NAMES.name("나무"),
        "booking_time": "2025-10-22 15:00:00",
        "confirm_sms": True,
        "remind_sms": 1,
        "naverplace_reserved_remind_sms": "2025-10-22T12:00:00+09:00",
        "option_time": "",
        "message_guide": {
            "state": "refused",
            "token": "f" * 32,
            "attempt": 2,
            "refusals": 1,
            "claimed_at": "2025-10-22T03:00:00+00:00",
            "due": UNKNOWN,
        },
    }


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({"phone": None}, "phone", None),
        ({"phone": True}, "phone", []),
        ({"phone": {"of": "01098765432"}}, "phone", {}),
        ({"name": 7}, "name", int(NAMES.name("7"))),
        ({"bookingStatusCode": "나무 01098765432"}, "bookingStatusCode", UNKNOWN),
        ({"bookingId": "나무"}, "bookingId", UNKNOWN),
        ({"snapshotJson": ["나무"]}, "snapshotJson", UNKNOWN),
        ({"snapshotJson": None}, "snapshotJson", None),
        ({"bookingOptionJson": ["나무"]}, "bookingOptionJson", [UNKNOWN]),
        ({"bookingOptionJson": [{"name": 1}]}, "bookingOptionJson", [{"name": None}]),
        ({"confirmedDateTime": ""}, "confirmedDateTime", ""),
        ({"totalPrice": {"of": "나무"}}, "totalPrice", None),
    ],
)
def test_a_value_of_the_wrong_kind_stays_wrong_and_says_nothing(
    changes: dict[str, Any], name: str, value: Any
) -> None:
    raw = a_booking("1051707", 7, NOW, changes=changes)

    assert booking(raw, NAMES, FIELDS).get(name) == value
    assert booking("나무", NAMES) == {}


def test_a_shops_text_keeps_its_words_and_loses_phones_and_mail() -> None:
    assert plain_text("네이버 010-9876-5432 a@b.kr 2인") == "네이버 000-0000-0000 ? 2인"
    assert plain_text(5) == 5
