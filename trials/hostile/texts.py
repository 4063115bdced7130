"""What people write: names, phones, options and times, by the hundred in one store."""

from __future__ import annotations

import random
import re
import unicodedata
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.credentials import STORE_IDS
from trials.hostile.inputs import Family, Verdict
from trials.hostile.oracle import judge_good, judge_run, names
from trials.hostile.player import Player, Ran
from trials.hostile.shop import FIRST, NOW, SEOUL, Customer, kind_of, told_by

STORE = STORE_IDS[0]
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u202a\u202b\u202c\u202d\u202e\u2066\u2069\u061c"
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d\ufe63\u301c\uff5e~"
SPACES = " \u00a0\u2002\u2009\u3000\u202f\u205f"
DIGITS = ("0123456789", "０１２３４５６７８９", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗", "𝟶𝟷𝟸𝟹𝟺𝟻𝟼𝟽𝟾𝟿")
OTHER_DIGITS = ("٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "⁰¹²³⁴⁵⁶⁷⁸⁹", "⓪①②③④⑤⑥⑦⑧⑨")
PIECES = (
    *("김하늘", "나", "홍길동 ", "뷁", "똠방각하", "Ünïcödé", "山田太郎", "محمد", "שלום", "ไทย"),
    *("1–2", "1−2", "½", "¾인", "①②", "１２", "3 4", "5.6", "7/8", "9~10", "2:1", "Ⅻ", "4×6"),
    *("😀", "👨‍👩‍👧‍👦", "🇰🇷", "☎", "★", "㈜", "㎡", "€", "™", "ﷺ", "﷽", "e\u0301", "Z̷̢͑a̷l̸g̵o̶"),
    *(
        "{{ access.door_code }}",
        "{% raw %}",
        "${HOME}",
        "%s%s%n",
        "<b>굵게</b>",
        "'; DROP TABLE sms;--",
    ),
    *("http://evil.example/a?b=1", "www.evil.example", "evil．example/로그인", "bit.ly/3xY"),
    *(
        "\n",
        "\r\n",
        "\t",
        "\0",
        "\x1b[2J",
        "\x85",
        "\u2028",
        "\ud83d",
        "\udc00",
        "\ufffd",
        "\uffff",
    ),
    *(
        "[예약확정]",
        "(광고)",
        "무료수신거부",
        "=cmd|' /C calc'!A0",
        "…",
        "“인용”",
        "，",
        "．",
        "　",
    ),
)


class TextFamily(Family):
    """Odd bookings of one store: each is served or named, and nothing else of it goes wrong."""

    batch = 30

    @abstractmethod
    def raw(self, who: Customer, value: Any) -> dict[str, Any]:
        """Put the odd value into a booking."""

    @abstractmethod
    def judge(
        self, who: Customer, value: Any, sent: list[dict[str, Any]], named: bool
    ) -> Iterator[str]:
        """Say what is wrong with one booking's messages."""

    def find(self, player: Player, who: Customer, value: Any) -> list[dict[str, Any]]:
        """List the messages about one booking."""
        mark = f"번호:{who.booking_num}"
        return [m for m in player.sandbox.messages() if mark in str(m["original"])]

    def phones(self, who: Customer, value: Any) -> list[str]:
        """List the phones that must not be read anywhere."""
        return [who.phone]

    def play(self, player: Player, given: Mapping[int, Any]) -> Verdict:
        """Let two runs have them all."""
        people = {seed: Customer(FIRST + n, STORE) for n, seed in enumerate(given)}
        with player.world() as folder:
            player.open({STORE: [self.raw(people[seed], given[seed]) for seed in given]})
            first = player.run(folder)
            before = len(player.sandbox.messages())
            player.no_faults()
            second = player.run(folder)
            phones = [p for seed in given for p in self.phones(people[seed], given[seed])]
            shared = [*judge_run(player, first, second, phones=phones), *judge_good(player)]
            if new := player.sandbox.messages()[before:]:
                shared += [f"the second run sent {kind_of(m)}" for m in new if not self.later(m)]
            by_seed = {
                seed: list(
                    self.judge(
                        people[seed],
                        given[seed],
                        self.find(player, people[seed], given[seed]),
                        names(first.report, people[seed].booking_num),
                    )
                )
                for seed in given
            }
            return Verdict(by_seed, [*shared, *self.of_all(player, first, given)])

    def later(self, message: dict[str, Any]) -> bool:
        """Tell whether a message may come in the second run."""
        return kind_of(message) == "retouch"

    def of_all(self, player: Player, first: Ran, given: Mapping[int, Any]) -> list[str]:
        """Say what is wrong with the batch as a whole."""
        return []


def garbled(rng: random.Random, text: str) -> str:
    """Write a text as another keyboard, another phone or a bad copy would."""
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        way = rng.randrange(7)
        if way == 0:
            text = text[:at] + rng.choice(INVISIBLE) + text[at:]
        elif way == 1:
            text = unicodedata.normalize(rng.choice(("NFD", "NFKD", "NFC")), text)
        elif way == 2:
            text = "".join(
                chr(ord(s) + 0xFEE0) if "!" <= s <= "~" and rng.random() < 0.5 else s for s in text
            )
        elif way == 3:
            text = text[:at] + rng.choice(PIECES) + text[at:]
        elif way == 4:
            text = text.replace(" ", rng.choice(SPACES))
        elif way == 5:
            text = (
                text[:at]
                + chr(
                    rng.choice(
                        (
                            rng.randrange(0x20, 0x3000),
                            rng.randrange(0xA000, 0xD7FF),
                            rng.randrange(0x1F000, 0x1FAFF),
                        )
                    )
                )
                + text[at:]
            )
        else:
            text = text.replace("-", rng.choice(DASHES))
    return text


def digit_runs(text: str) -> list[str]:
    """List what reads as one number in a text."""
    folded = unicodedata.normalize("NFKC", text)
    folded = "".join(s for s in folded if unicodedata.category(s) not in ("Cf", "Mn"))
    return re.findall(r"\d+", folded)


def joined_digits(written: str, sent: str) -> list[str]:
    """List the numbers of a message that nobody has written."""
    known = digit_runs(written)
    return [n for n in digit_runs(sent) if not any(n in k for k in known)]


class Names(TextFamily):
    """What stands in the field of the name."""

    name, whole, short = "names", 60, 8
    known = (
        "김하나",
        "가" * 1500,
        "ㄱ" * 100_000,
        "당첨! http://evil.example 에서 010-9999-9999 로 확인",
        "예약이 취소되었습니다 www.evil.example",
        "인원 (1–2인)",
        "1\u200b2",
        "①②③호",
        "김\u0000하나",
        "\u202e나하김",
        unicodedata.normalize("NFD", "김하나"),
        "{{ access.door_code }}",
        "👩‍❤️‍👨",
        "\ud83d",
        " ",
        "",
    )

    def made(self, rng: random.Random) -> Any:
        """Join pieces, or garble a plain name."""
        if rng.random() < 0.5:
            return "".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 6)))
        many = rng.choice((1, 1, 1, 20, 5000))
        return garbled(rng, rng.choice(("김하늘", "이 하나 2호", "박-서-준 1-2")) * many)

    def raw(self, who: Customer, value: Any) -> dict[str, Any]:
        return who.raw(name=value)

    def judge(
        self, who: Customer, value: Any, sent: list[dict[str, Any]], named: bool
    ) -> Iterator[str]:
        if len(sent) != 1:
            yield f"{len(sent)} messages" + (", named" if named else ", and no report names it")
            return
        (shown,) = told_by(sent[0]).get("이름", [""])
        yield from (f"nobody wrote the number {n}" for n in joined_digits(value, shown))
        if len(shown) > 40:
            yield f"a name of {len(shown)} signs went out"
        if re.search(r"https?:|www\.|\.example/|bit\.ly", unicodedata.normalize("NFKC", shown)):
            yield "a link went out as a name"
        if re.fullmatch(r"[가-힣]{1,5}", value) and shown != value and not _lacking(value):
            yield f"{value!r} became {shown!r}"


def _lacking(text: str) -> bool:
    try:
        return len(text.encode("euc_kr")) > 2 * len(text)
    except UnicodeEncodeError:
        return True


class Options(TextFamily):
    """What the owner calls an option, and the keyword in it."""

    name, whole, short = "options", 60, 8
    known = (
        "인원 추가 (1–2인)",
        "인원 추가 (1−2인)",
        "2～3인",
        "1½시간",
        "셀프 보정 20분",
        unicodedata.normalize("NFD", "셀프 보정 20분"),
        "셀프\u00a0보정",
        "ｶﾒﾗ 보정",
        "1\u20282인",
        "3️⃣4️⃣인",
        "10\u200b20분",
        "가" * 3000,
        "",
    )

    def made(self, rng: random.Random) -> Any:
        base = rng.choice(("셀프 보정 20분", "인원 추가 (1-2인)", "4x6 인화 2장", "1 / 2 시간"))
        return garbled(rng, base)

    def raw(self, who: Customer, value: Any) -> dict[str, Any]:
        return who.raw(options=[(value, 1)])

    def judge(
        self, who: Customer, value: Any, sent: list[dict[str, Any]], named: bool
    ) -> Iterator[str]:
        kinds = [kind_of(m) for m in sent]
        if kinds.count("confirmation") != 1:
            if not named:
                yield f"{kinds.count('confirmation')} confirmations, and no report names it"
            return
        for message in sent:
            shown = " ".join(told_by(message).get("옵션", []))
            yield from (f"nobody wrote the number {n}" for n in joined_digits(value, shown))
        if "보정" in unicodedata.normalize("NFKC", value) and "retouch" not in kinds and not named:
            yield "the keyword was not found"


class Phones(TextFamily):
    """What stands in the field of the phone."""

    name, whole, short = "phones", 70, 8
    known = (
        "010–{a}–{b}",
        "０１０－{a}－{b}",
        "\u202a010-{a}-{b}\u202c",
        "+82 10-{a}-{b}",
        "＋82-10-{a}-{b}",
        "0082 10 {a} {b}",
        "82-10-{a}-{b}",
        "+82 (0)10-{a}-{b}",
        "010.{a}.{b}",
        "010 {a} {b}\u200b",
        "(010){a}{b}",
        "010{a}{b} (본인)",
        "010-{a}-{b}, 010-0000-9999",
        "010-{a}-{b}#12",
        "010{a}{b}{b}",
        "02-{a}-{b}",
        "+1 212 {a} {b}",
        "010-{a}",
        "전화 주세요",
        "٠١٠{a}{b}",
        "tel:010-{a}-{b}",
        "010-{a}-{b}\n",
        "1010{a}{b}",
        "",
    )

    def made(self, rng: random.Random) -> Any:
        """Write a number in some typography, and spoil it now and then."""
        head = rng.choice(
            ("010", "010", "010", "+82 10", "+8210", "0082-10", "8210", "011", "02", "050")
        )
        text = rng.choice(("", " ", "-", "-", ".")).join((head, "{a}", "{b}"))
        text = text.replace("-", rng.choice(DASHES)).replace(" ", rng.choice(SPACES))
        for _ in range(rng.randrange(3)):
            at = rng.choice((0, len(text), text.index("{")))
            text = text[:at] + rng.choice((*INVISIBLE, *SPACES, "\t")) + text[at:]
        if rng.random() < 0.3:
            text += rng.choice(("1", "내선 3", "x", "/", "*", "#", "번", "-", "99", "😀"))
        style = rng.choice((*DIGITS, *DIGITS, *OTHER_DIGITS))
        return text if rng.random() < 0.5 else style + text

    def written(self, who: Customer, value: str) -> str:
        """Write the customer's number in the way that the input says."""
        style, text = (
            (value[:10], value[10:]) if value[:10] in (*DIGITS, *OTHER_DIGITS) else ("", value)
        )
        text = text.replace("{a}", who.phone[3:7]).replace("{b}", who.phone[7:])
        return text.translate(str.maketrans("0123456789", style)) if style else text

    def raw(self, who: Customer, value: Any) -> dict[str, Any]:
        return who.raw(phone=self.written(who, value))

    def judge(
        self, who: Customer, value: Any, sent: list[dict[str, Any]], named: bool
    ) -> Iterator[str]:
        written = self.written(who, value)
        digits, plain = national(written)
        for message in sent:
            if message["to"] != digits:
                yield f"{written!r} was taken for another number"
        if len(sent) > 1:
            yield f"{len(sent)} messages"
        if not sent and not named:
            yield f"nothing was sent to {written!r}, and no report names it"
        if plain and re.fullmatch(r"010\d{8}", digits) and not sent:
            yield f"{written!r} is a mobile number, and was refused"


def national(written: str) -> tuple[str, bool]:
    """Read a number's national digits, and tell whether nothing but typography is around them."""
    shown = "".join(
        s for s in unicodedata.normalize("NFKC", written) if unicodedata.category(s) != "Cf"
    ).strip()
    digits = "".join(str(unicodedata.decimal(s)) for s in shown if s.isdecimal())
    rest = [s for s in shown if not s.isdecimal()]
    plain = all(unicodedata.category(s) in ("Pd", "Zs") or s in "−.()+" for s in rest)
    plain = (
        plain
        and all(s.isascii() for s in shown if s.isdecimal())
        and rest.count("+") <= shown.startswith("+")
    )
    for head in ("0082", "82"):
        if digits.startswith(head):
            digits = "0" + digits[len(head) :].lstrip("0")
    return digits, plain


class Times(TextFamily):
    """When a booking starts and ends, and when it was made, as Naver may write it."""

    name, whole, short = "times", 60, 8
    known = (
        ("start", "2025-10-22T10:00:00Z"),
        ("start", "2025-10-22T10:00:00.123Z"),
        ("start", "2025-10-22T19:00:00+09:00"),
        ("start", "2025-10-22 10:00:00"),
        ("start", "2025-10-22T24:00:00Z"),
        ("start", "2025-10-22T23:59:60Z"),
        ("start", "2025-02-30T10:00:00Z"),
        ("start", "9999-12-31T23:59:59Z"),
        ("start", "0001-01-01T00:00:00Z"),
        ("start", "２０２５-10-22T10:00:00Z"),
        ("start", 1761127200),
        ("start", ""),
        ("end", "2025-10-22T10:02:00Z"),
        ("end", "2025-10-22T09:00:00Z"),
        ("end", "0001-01-01T00:00:00Z"),
        ("end", "9999-12-31T23:59:59Z"),
        ("end", "soon"),
        ("made", "0001-01-01T00:00:00+09:00"),
        ("made", "9999-12-31T23:59:59-12:00"),
        ("confirmed", {"date": "2025-10-22"}),
    )

    def made(self, rng: random.Random) -> Any:
        where = rng.choice(("start", "start", "start", "end", "made", "confirmed"))
        at = NOW.astimezone(UTC) + timedelta(minutes=rng.randrange(150, 60 * 24 * 300))
        if rng.random() < 0.4:
            return where, f"{at:%Y-%m-%dT%H:%M:%S}Z"
        text = rng.choice(
            (
                f"{at:%Y-%m-%dT%H:%M:%S}Z",
                f"{at:%Y-%m-%dT%H:%M:%S+09:00}",
                f"{at:%G-W%V-%uT%H:%M:%SZ}",
                f"{at:%Y%m%dT%H%M%SZ}",
            )
        )
        for _ in range(rng.randrange(1, 4)):
            n = rng.randrange(len(text))
            text = (
                text[:n]
                + rng.choice(("", "9", "-", "Z", "T", " ", "+", ":", "00", "１", "٣", "\u200b"))
                + text[n + rng.randrange(2) :]
            )
        return where, text or None

    def raw(self, who: Customer, value: Any) -> dict[str, Any]:
        where, text = value
        raw = who.raw()
        if where in ("start", "end"):
            raw["snapshotJson"][f"{where}DateTime"] = text
        else:
            raw["regDateTime" if where == "made" else "confirmedDateTime"] = text
        return raw

    def judge(
        self, who: Customer, value: Any, sent: list[dict[str, Any]], named: bool
    ) -> Iterator[str]:
        where, text = value
        at = who.start if where != "start" else exact_utc(text)
        if len(sent) > 1:
            yield f"{len(sent)} messages"
        if sent:
            (shown,) = told_by(sent[0]).get("시작", [""])
            if at is None:
                yield f"{text!r} is no time of Naver's, and went out as {shown}"
            elif shown != in_words(at):
                yield f"{text!r} went out as {shown}"
        elif not named and not (at and at <= NOW):
            yield f"nothing was sent for {value!r}, and no report names it"
        elif where != "start":
            yield f"an odd {where} costs the customer all messages"


def exact_utc(text: object) -> datetime | None:
    """Read Naver's one form of a start."""
    if not isinstance(text, str) or not re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text, re.ASCII
    ):
        return None
    try:
        return datetime.fromisoformat(text[:19] + "+00:00").astimezone(SEOUL)
    except (ValueError, OverflowError):
        return None


def in_words(at: datetime) -> str:
    """Write a moment as the messages do."""
    half = "오전" if at.hour < 12 else "오후"
    day = f"{at.month}월 {at.day}일({'월화수목금토일'[at.weekday()]})"
    return f"{day} {half} {at.hour % 12 or 12}:{at.minute:02}"


FAMILIES: tuple[Family, ...] = (Names(), Phones(), Options(), Times())
