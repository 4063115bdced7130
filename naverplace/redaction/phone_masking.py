"""Finding Korean phone numbers in free text, and nothing else that is made of digits."""

from __future__ import annotations

import re
from collections.abc import Iterator

from naverplace.base.phone import mask, normalise_phone

_GAP = r"[][\s.()/‐-―−_·,~:-]{0,3}"
_PHONE = re.compile(
    rf"""(?P<uuid> [0-9A-Fa-f]{{8}} (?:-[0-9A-Fa-f]{{4}}){{3}} -[0-9A-Fa-f]{{12}} )
  | (?=[0-9+%])(?:
    # Not within an id or a fraction; but an escape's last sign (\n, \uc804, %94) is no id.
    (?: (?<![0-9A-Za-z_]) | (?<=\\[nrtbfv]) | (?<=\\u[0-9A-Fa-f]{{4}}) | (?<=\\x[0-9A-Fa-f]{{2}})
      | (?<=%[0-9A-Fa-f]{{2}}) )
    (?<![0-9]\.)
    (?: (?: %2[Bb] | \+ | 00 )? 82 {_GAP} 0? {_GAP}
        (?:1[016789]|50[2-8]) {_GAP} [0-9]{{3,4}} {_GAP} [0-9]{{4}}
      | (?:01[016789]|050[2-8]) {_GAP} [0-9]{{3,4}} {_GAP} [0-9]{{4}}
      | 0(?:2|[3-6][1-5]|[78]0) (?: [-)]\ ?[0-9]{{3,4}}-[0-9]{{4}} | [0-9]{{7,8}} )  # a landline
    ) (?![0-9A-Za-z])
    # Words run into the commonest form, as in tel01000000000; hex digits before it are a digest.
  | (?<![0-9]) (?<![0-9A-Fa-f-][0-9A-Fa-f]) (?<![0-9]\.) 010[0-9]{{8}} (?![0-9A-Fa-f])
    # What the legacy's slices make of a number that is not 11 bare digits (L10).
  | (?<![0-9A-Za-z+]) (?P<legacy> [+0-9][0-9\ ().+-]{{2}} - [0-9\ ().-]{{4}} - [0-9\ ().-]{{3,12}} )
    (?<=[0-9]) (?![0-9A-Za-z])
  )""",
    re.VERBOSE,
)


_EACH = re.compile(  # each digit apart from the next by the same sign
    r"(?<![0-9A-Za-z])0(?P<gap>[\s.,·_/-])1(?P=gap)[016789](?:(?P=gap)[0-9]){8}(?![0-9A-Za-z])"
)


def find_phones(text: str) -> Iterator[tuple[int, int, str]]:
    """List where phone numbers stand in a text, with each one masked."""
    for pattern in (_PHONE, _EACH):
        for found in pattern.finditer(text):
            masked = mask(found.group()) if pattern is _EACH else _masked(found)
            if masked != found.group():
                yield *found.span(), masked


def mask_phones(text: str) -> str:
    """Mask every phone number of a text: 010-****-5678."""
    text = _PHONE.sub(_masked, text)
    return _EACH.sub(lambda found: mask(found.group()), text)


def _masked(found: re.Match[str]) -> str:
    if found["uuid"]:
        return found.group()
    sliced = found["legacy"]
    if sliced is None:
        return mask(found.group())
    raw = f"{sliced[:3]}{sliced[4:8]}{sliced[9:]}"
    try:
        return mask(normalise_phone(raw))
    except ValueError:
        return found.group()
