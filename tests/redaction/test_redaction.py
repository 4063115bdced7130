"""Secrets and phones do not get out, in whatever form; all else stays as it is."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
import time
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import SecretStr
from requests.utils import requote_uri

from naverplace.base.clock import SEOUL
from naverplace.base.errors import NoScreen
from naverplace.redaction.encodings import is_certain
from naverplace.redaction.redactor import MARK, REDACTOR, Redactor, describe
from naverplace.redaction.weak_codes import weak_secrets

SECRETS = st.text(st.characters(codec="utf-8"), min_size=6, max_size=40).filter(
    lambda s: len(s.strip()) >= 6 and s not in MARK and not s.isdigit()
)
CANARY = 'ca"na\\ry+/1 ö'


@pytest.fixture(autouse=True)
def known_canary() -> None:
    REDACTOR.learn(CANARY)


def shown(secret: str) -> list[str]:
    """Write a secret in every way that texts, URLs, JSON and reprs do."""
    return [
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        re.sub("%..", lambda found: found.group().lower(), quote(secret, safe="")),
        requote_uri(quote(secret, safe="!'()*")),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps({"password": secret}))[18:-4],
        repr(secret)[1:-1],
        repr(f"{secret}'\"")[1:].removesuffix("\\'\"'"),
        ascii(secret)[1:-1],
        repr(secret.encode())[2:-1],
        html.escape(secret),
    ]


@given(SECRETS, st.text(max_size=20), st.text(max_size=20))
def test_a_secret_is_found_in_every_form(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.learn(secret)

    for form in shown(secret):
        assert form not in redactor.scrub(before + form + after)


@given(SECRETS, st.binary(max_size=7), st.binary(max_size=7), st.booleans())
def test_a_secret_inside_a_base64_block_is_found(
    secret: str, before: bytes, after: bytes, urlsafe: bool
) -> None:
    redactor = Redactor()
    redactor.learn(secret)
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    block = encode(before + secret.encode() + after).decode()

    scrubbed = redactor.scrub(block)

    assume(len(secret.encode()) >= 8)
    assert MARK in scrubbed
    decodable = re.sub(r"[^\w+/-]", "", scrubbed.replace(MARK, ""))
    assert secret.encode() not in _decoded(decodable)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_")[: len(text) // 4 * 4])


@given(SECRETS, st.text())
def test_scrubbing_twice_changes_nothing_more(secret: str, text: str) -> None:
    redactor = Redactor()
    redactor.learn(secret)
    once = redactor.scrub(text + secret)

    assert redactor.scrub(once) == once


@given(
    st.text(st.characters(exclude_categories=["Nd", "No", "Cc", "Cf", "Zl", "Zp"], codec="utf-8"))
)
def test_a_text_without_secret_and_phone_stays_as_it_is(text: str) -> None:
    assume(CANARY not in text)

    assert Redactor().scrub(text) == text


NARROW = str.maketrans({chr(n): chr(n + 0xFEE0) for n in range(0x21, 0x7F)})
LIKE_OURS = str.maketrans("aeopcxyATMHBKE", "аеорсхуАТМНВКЕ")  # Cyrillic


def disguised(secret: str) -> list[str]:
    """Write a secret in ways that only a vendor's answer, or somebody who wants it out, does."""
    raw = secret.encode()
    return [
        secret.translate(NARROW),
        secret.translate(LIKE_OURS),
        *(
            sign.join(secret)
            for sign in ("\u200b", "\u202e", "\u00ad", "\ufeff", "\x08", "\x1b[1m")
        ),
        *(sign.join(secret) for sign in (" ", "\n", "\u00a0", "\u3000")),
        f"{secret[:5]}\r\n    {secret[5:]}",
        *(secret.upper(), secret.lower(), raw.hex(), raw.hex(":"), raw.hex().upper()),
        "".join(f"%{byte:02x}" for byte in raw),
        "".join(f"%25{byte:02X}" for byte in raw),
        "".join(f"\\u{ord(sign):04x}" for sign in secret),
        "".join(f"\\u{{{ord(sign):x}}}" for sign in secret),
        "".join(f"\\x{byte:02x}" for byte in raw),
        "".join(f"\\{byte:03o}" for byte in raw),
        "".join(f"&#{ord(sign)};" for sign in secret),
        "".join(f"&#x{ord(sign):X};" for sign in secret),
        "".join(f"={byte:02X}" for byte in raw),
        json.dumps("".join(f"&#{ord(sign)};" for sign in secret)),
        quote(json.dumps("".join(f"\\u{ord(sign):04x}" for sign in secret))),
        base64.b64encode(raw).decode(),
        base64.b64encode(base64.b64encode(raw)).decode(),
    ]


@pytest.mark.parametrize("secret", ["canary-Of-a/Key+77", "CanaryPasswordX9", "b1:AA-canary_tokeN"])
def test_a_disguised_secret_is_found_in_every_disguise(secret: str) -> None:
    redactor = Redactor()
    redactor.learn(secret)
    quoted = [f"400: refused, {form}, try again" for form in disguised(secret)]

    passed = [text for text in quoted if MARK not in redactor.scrub(text)]

    assert passed == []
    left = [
        text
        for text in quoted
        if len(redactor.scrub(text)) > len(f"400: refused, {MARK}, try again") + 8
    ]
    assert left == []


def test_a_disguised_code_of_digits_is_found_too() -> None:
    redactor = Redactor()
    redactor.learn("7301")
    forms = [
        *(
            "７３０１",
            "٧٣٠١",
            "⑦③⓪①",
            "7\u200b3\u200b0\u200b1",
            "%37%33%30%31",
            "%2537%2533%2530%2531",
        ),
        *(
            "\\u0037\\u0033\\u0030\\u0031",
            "\\x37\\x33\\x30\\x31",
            "&#55;&#51;&#48;&#49;",
            "\x1b[1m7301\x1b[0m",
        ),
    ]

    assert [form for form in forms if redactor.scrub(f"문 {form} 열림") != f"문 {MARK} 열림"] == []


PHONES = [
    *("010-1234-5678", "01012345678", "010 1234 5678", "010.1234.5678", "(010) 1234-5678"),
    *("+82-10-1234-5678", "+821012345678", "0082 10 1234 5678", "82 (0)10-1234-5678"),
    *(
        "０１０－１２３４－５６７８",
        "010–1234–5678",
        "010‑1234‑5678",
        "010−1234−5678",
        "０１０１２３４５６７８",
    ),
    *("٠١٠١٢٣٤٥٦٧٨", "०१०१२३४५६७८", "⓪①⓪①②③④⑤⑥⑦⑧", "𝟎𝟏𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖"),
    *("010\u200b1234\u200b5678", "\u202e010-1234-5678\u202c", "0\u00ad1\u00ad012345678"),
    *("010\u00a01234\u00a05678", "010\u30001234\u30005678", "010_1234_5678", "010·1234·5678"),
    *("010,1234,5678", "010~1234~5678", "010:1234:5678", "010-1234\n5678", "010 - 1234 - 5678"),
    *("0 1 0 1 2 3 4 5 6 7 8", "0-1-0-1-2-3-4-5-6-7-8", "0.1.0.1.2.3.4.5.6.7.8"),
    *(
        "%30%31%30%31%32%33%34%35%36%37%38",
        "010%2D1234%2D5678",
        "010%201234%205678",
        "%2B821012345678",
    ),
    *(
        "010%252D1234%252D5678",
        "010&#45;1234&#45;5678",
        "&#48;&#49;&#48;12345678",
        "010&nbsp;1234&nbsp;5678",
    ),
    *("010\\u002d1234\\u002d5678", "\\u0030\\u0031\\u003012345678", "\\x30\\x31\\x3012345678"),
    *("MDEwMTIzNDU2Nzg=", "MDEwLTEyMzQtNTY3OA==", "3031303132333435363738", "tel:+82-10-1234-5678"),
    *(
        "010/1234/5678",
        "[010][1234][5678]",
        "010--1234--5678",
        "010)1234-5678",
        "\x1b[31m010\x1b[0m-1234-5678",
    ),
]


@pytest.mark.parametrize("phone", PHONES)
def test_a_phone_is_masked_in_every_form(phone: str) -> None:
    for text in (f"to {phone}, tried", f'{{"to": "{phone}"}}', f"받는 사람 {phone}님"):
        said = Redactor().scrub(text)

        assert "1234" not in re.sub(r"\D", "", said.replace("5678", "")), (text, said)
        assert said != text
        assert phone not in said


def test_signs_that_steer_a_terminal_or_turn_a_text_are_dropped() -> None:
    said = (
        "\x1b[31mred\x1b[0m \x1b]0;title\x07 \u202eturned\u202c \u2066x\u2069 tab\tline\n\x00\x9b"
    )

    assert Redactor().scrub(said) == "red  turned x tab\tline\n"


def test_a_webhook_is_found_by_its_path_alone() -> None:
    redactor = Redactor()
    redactor.learn("https://hooks.example.com/services/T000/B000/canary+of+a+hook?k=1")

    said = redactor.scrub(
        'port=443 "POST /services/T000/B000/canary+of+a+hook?k=1 HTTP/1.1" 404 '
        "host hooks.example.com, hook canary%2Bof%2Ba%2Bhook"
    )

    assert said == f'port=443 "POST {MARK} HTTP/1.1" 404 host hooks.example.com, hook {MARK}'


def test_a_short_path_of_a_secret_url_does_not_blot_out_texts() -> None:
    redactor = Redactor()
    redactor.learn("https://hooks.example.com/hook")

    assert redactor.scrub("POST /hook") == "POST /hook"


@pytest.mark.parametrize(
    "text",
    [
        '{"ARN": "x", "SecretString": "{\\"naver\\": {\\"password\\": \\"canary\\"}}"}',
        """Response body: b'{"SecretString": "{\\\\"naver\\\\": \\\\"canary\\\\"}"}'""",
        '{"name":"NID_AUT","path":"/","secure":true,"value":"canary/of+a/login=="}',
        '"S": "[{\\"name\\": \\"NID_SES\\", \\"value\\": \\"canary/of+a/login\\"}]"',
        "Cookie: NID_AUT=canary; NID_SES=canary",
    ],
)
def test_what_is_secret_by_its_name_is_hidden_before_anybody_learned_it(text: str) -> None:
    redactor = Redactor()

    scrubbed = redactor.scrub(text)

    assert "canary" not in scrubbed
    assert redactor.scrub(scrubbed) == scrubbed


@pytest.mark.parametrize(
    "text", ["NID_AUT and NID_SES are needed", "SecretString (text) or SecretBinary", "NID_SES="]
)
def test_the_names_of_secrets_are_no_secrets(text: str) -> None:
    assert Redactor().scrub(text) == text


def test_a_short_code_is_hidden_where_it_stands_alone_only() -> None:
    redactor = Redactor()
    redactor.learn("7301")

    assert redactor.scrub("door 7301, booking 1000730100") == f"door {MARK}, booking 1000730100"
    assert redactor.scrub("비밀번호7301입니다 code=x7301") == f"비밀번호{MARK}입니다 code=x{MARK}"


CODES = st.from_regex(r"[0-9]{4,11}", fullmatch=True)
TIMES = st.builds(
    lambda seconds, zone: datetime.fromtimestamp(seconds, zone),
    st.floats(-6e8, 4e9),
    st.sampled_from([UTC, SEOUL]),
)


@given(TIMES, st.integers(0, 10**6), st.uuids())
def test_what_we_write_of_times_ids_and_counts_is_never_taken_for_a_code(
    at: datetime, count: int, run: UUID
) -> None:
    parts = [f"{at:%Y}", f"{at:%m%d}", f"{at:%Y%m%d}", f"{at:%H%M%S}", str(count), "0000", "000000"]
    redactor = Redactor()
    groups = [part for part in str(run).split("-") if part.isdigit()]
    redactor.learn(*parts, *(group for group in groups if not is_certain(group)))

    for text in (
        at.isoformat(),
        at.isoformat(timespec="milliseconds"),
        f"{at:%Y-%m-%d %H:%M} to {at:%Y-%m-%d %H.%M.%S}, file {at:%Y%m%dT%H%M%S}-{run}.json",
        f"🔍 {at:%m/%d %H:%M} 문자 {count}건 접수, 매장 {count}곳, 소요 {count}초",
        f"{at:%Y-%m-%d %H:%M:%S},123 INFO: {count} messages, booking 1051707_1000000016",
        f"{at:%a, %d} Oct {at:%Y %H:%M:%S} GMT",
        repr(at.replace(tzinfo=None)),
    ):
        assert redactor.scrub(text) == text


@given(CODES)
def test_a_code_of_digits_is_hidden_in_every_text_that_quotes_it(code: str) -> None:
    redactor = Redactor()
    redactor.learn(code)

    for text in (
        f"현관 비밀번호는 {code}입니다",
        f"문 {code}#, 2층",
        f"비밀번호 {code}건물 뒤",
        f'{{"content": "door {code}"}}',
        f"content=door%20{code}%20",
        f"door\u00a0{code}, \x20{code}",
        f"2025-10-22 14:00 {code} 2025-10-22",
        code,
    ):
        assert code not in redactor.scrub(text).replace("2025-10-22", "")


def test_a_tree_is_scrubbed_in_its_texts_and_its_numbers_stay() -> None:
    redactor = Redactor()
    redactor.learn("2025")
    tree = {"count": 2025, "why": ("door 2025",), "at": "2025-10-22T14:00:00+09:00", "2025": None}

    assert redactor.scrub_values(tree) == {
        "count": 2025,
        "why": (f"door {MARK}",),
        "at": "2025-10-22T14:00:00+09:00",
        MARK: None,
    }


@pytest.mark.parametrize("code", ["10", "2025", "0000", "1234", "4321", "1000"])
def test_a_code_that_is_mistaken_for_other_words_is_named_without_its_value(code: str) -> None:
    (told,) = weak_secrets({"1051707": {"door_code": SecretStr(code)}}, "access")

    assert told.startswith("access.1051707.door_code ")
    assert not re.search(rf"\b{code}\b", told)


def test_an_unusual_code_is_not_warned_of() -> None:
    assert list(weak_secrets({"1051707": {"door_code": SecretStr("7301")}})) == []


def test_a_short_code_within_a_phone_does_not_uncover_the_rest_of_it() -> None:
    redactor = Redactor()
    redactor.learn("1234", "5678")

    assert redactor.scrub("010-1234-5678") == f"010-****-{MARK}"


def test_secrets_too_short_to_hide_do_not_blot_out_texts() -> None:
    redactor = Redactor()
    redactor.learn("", "a", "12 ")

    assert redactor.scrub("a 12 text") == "a 12 text"


def test_an_error_is_described_with_its_advice_and_without_its_secrets() -> None:
    assert describe(NoScreen(f"at {CANARY}")) == (
        f"NoScreen: at {MARK} -> run it on a machine with a screen: naverplace login --headed"
    )


def test_scrubbing_is_fast_with_many_secrets() -> None:
    redactor = Redactor()
    redactor.learn(
        *(f"secret/number+{n:03}" for n in range(30)), *(f"{n}" for n in range(7300, 7330))
    )
    text = (
        "sent confirmation to 1051707_1000000001, accepted by SENS as RSSA-1549873400000\n" * 1000
    )

    began = time.process_time()
    redactor.scrub(text)

    # Generous for a busy machine: one regex of all forms took 30 times as long as this usually is.
    assert time.process_time() - began < 1.0


def test_threads_may_learn_while_others_scrub() -> None:
    redactor = Redactor()
    secrets = [f"canary-of-thread-{n:03}" for n in range(200)]
    leaks: list[str] = []

    def work(part: list[str]) -> None:
        for secret in part:
            redactor.learn(secret)
            leaks.extend(s for s in part[: part.index(secret) + 1] if s in redactor.scrub(s))

    threads = [threading.Thread(target=work, args=(secrets[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert leaks == []


@pytest.mark.parametrize("time", ["once", "again"])
def test_no_test_hides_what_another_has_learned(time: str) -> None:
    assert REDACTOR.scrub("of this test alone") == "of this test alone", time
    REDACTOR.learn("of this test alone")
    assert REDACTOR.scrub("of this test alone") == MARK
