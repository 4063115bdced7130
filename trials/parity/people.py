"""Invented customers: names that text messages find easy or hard, and phones in every spelling."""

from __future__ import annotations

from sandbox.scenarios.roles import a_name

# Naver lets people write what they like; a text message carries EUC-KR only (L18).
AWKWARD = (
    "구름☁️나무",
    "🦥",
    "뷁나무",
    "나무늘보",  # one letter in two parts, as an iPhone writes it
    "_별*빛*[나무]_",
    "Kim Sandbox",
    "모래바다구름하늘별빛나래은하수언덕",
    "봄",
    "  이  봄  ",
    "{{ booking.name }}",
    "하늘✨바다✨",
    "サクラ나무",
)
BROKEN = ("공일공영영영영", "0200000000", "0100000", "", "010")
BLANKS = (" {}", "{}  ", "\t{}\n")  # around a phone (L10)


def name_of(nth: int) -> str:
    """Give the nth customer's name; each ninth one is awkward."""
    return AWKWARD[nth // 9 % len(AWKWARD)] if nth % 9 == 4 else a_name(nth)


def phone_of(nth: int) -> str:
    """Give the nth customer's phone as Naver writes it; some are older or safe numbers."""
    if nth % 31 == 7:
        return f"011{nth % 10_000_000:07d}"
    if nth % 31 == 13:
        return f"016{nth:08d}"
    if nth % 31 == 19:
        return f"0502{nth % 100_000_000:08d}"
    return f"010{nth:08d}"


def respelled(phone: str, nth: int) -> str:
    """Write the same number otherwise."""
    ways = (
        f"+82{phone[1:]}",
        f"{phone[:3]}-{phone[3:7]}-{phone[7:]}",
        f"{phone[:3]} {phone[3:7]} {phone[7:]}",
        f"82{phone[1:]}",
    )
    return ways[nth % len(ways)]


def sliced(phone: str) -> str:
    """Cut a number as the legacy does (L10)."""
    return f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"
