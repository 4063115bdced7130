"""rules/README.md, written from the conditions and actions themselves."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from naverplace.rules.actions import ACTIONS
from naverplace.rules.conditions import CONDITIONS
from naverplace.rules.parameters import parameters_of
from naverplace.rules.templates import BOOKING_WORDS, STORE_WORDS

_INTRO = """\
# 규칙 · Rules

<!-- generated: uv run naverplace rules catalogue > rules/README.md -->

이 폴더의 YAML 파일로 누가 언제 어떤 문자를 받는지 정합니다. 코드는 고치지 않아도 됩니다.
These files say who gets which message when; no code is needed.

| 파일 | 내용 |
|---|---|
| `reminders.yaml` | 매일 쓰는 규칙 · the rules of every day |
| `examples.yaml` | 예시 규칙, 꺼져 있음 · examples, switched off |
| `templates*.yaml` | 문자 내용 · the texts |
| `notifications.yaml` | 텔레그램·슬랙 설정 · where the owner is told |
| `fields.yaml` | 예약의 추가 항목 · further fields of a booking |

규칙은 이렇게 씁니다. A rule looks like this:

```yaml
- rule: parking-note              # 이름: 쓰는 동안 바꾸지 마세요 · keep it while it is in use
  description: 주차 안내
  enabled: true                   # false면 꺼집니다
  when:                           # 모두 맞을 때 · all must hold
    - booking_status: RC03
    - starts_in_future
    - any: [{store_is: 1051707}, {has_option_keyword: 주차}]
  then:                           # 하는 일 · what is done
    - send_sms: parking
```

`all`, `any`, `not` 으로 조건을 묶을 수 있습니다 (join conditions with `all`, `any`, `not`).
같은 종류의 문자는 예약 하나에 한 번만 나갑니다 (a booking gets one message of a kind, ever).
고친 뒤에는 `naverplace rules check` 로 확인하고, `naverplace run --dry-run` 으로 미리 봅니다.
"""

_TEXTS = """\
## 문자에 쓸 수 있는 말 · Words of a text

문자는 EUC-KR 글자만 보낼 수 있습니다(이모지 불가). 제목 40바이트, 내용 2000바이트까지이며 한글은
2바이트입니다. 예약 날짜와 시간은 반드시 들어가야 합니다. A template (`templates*.yaml`) says:

- `text`, or `stores` with a text for each store (`per_store: true` in the rule)
- `subject`: for LMS
- `type`: `auto` (SMS up to 90 bytes without subject, else LMS), `SMS` or `LMS`
- `send_between: ["08:00", "21:00"]`: Korean hours; outside them nothing is sent
- `advertisement: true`: (광고)로 시작하고 무료수신거부 번호로 끝나야 하며 08:00-20:50에만 나갑니다

| 말 | 뜻 |
|---|---|
"""
_MEANINGS = {
    "name": "고객 이름 (보낼 수 없는 글자는 뺍니다)",
    "start": "10월 22일(수) 오후 3:00",
    "date": "10월 22일(수)",
    "time": "오후 3:00",
    "end": "끝나는 시각, 오후 4:00",
    "status": "RC03, RC08, ...",
    "options": "선택한 옵션 목록: name, count, price",
    "booking_num": "1051707_1000000001",
    "phone": "010-****-0001 (가린 번호만)",
    "extra": "fields.yaml의 항목: `{{ booking.extra.total_price }}`",
}


def catalogue() -> str:
    """Write the page of everything that rules and texts may say."""
    parts = [
        _INTRO,
        "## 조건 · Conditions (`when`)\n",
        *_entries(CONDITIONS),
        "## 하는 일 · Actions (`then`)\n",
        *_entries(ACTIONS),
        _TEXTS + "".join(_words()),
    ]
    return "\n".join(parts)


def _words() -> Iterator[str]:
    for word in BOOKING_WORDS:
        yield f"| `{{{{ booking.{word} }}}}` | {_MEANINGS[word]} |\n"
    for word in STORE_WORDS:
        yield f"| `{{{{ store.{word} }}}}` | stores.yaml의 {word} |\n"
    yield "| `{{ access.door_code }}` | NAVERPLACE_ACCESS의 값 (문자에만, 알림에는 못 씁니다) |\n"


def _entries(registry: Mapping[str, Callable[..., Any]]) -> Iterator[str]:
    for word, function in sorted(registry.items()):
        words, example = described(function)
        parameters = "".join(_parameters(function))
        yield f"### `{word}`\n\n{words}\n{parameters}\n```yaml\n{example}\n```\n"


def described(function: Callable[..., Any]) -> tuple[str, str]:
    """Split a docstring into its words and its YAML, which begins with the first dash."""
    words, dash, example = inspect.cleandoc(function.__doc__ or "").partition("- ")
    return words.strip(), textwrap.dedent(words.rpartition("\n")[2] + dash + example)


def _parameters(function: Callable[..., Any]) -> Iterator[str]:
    fields = parameters_of(function).model_fields
    if fields:
        yield "\n"
    for name, said in fields.items():
        default = "required" if said.is_required() else f"default: {_yaml(said.default)}"
        yield f"- `{name}` ({default})\n"


def _yaml(value: object) -> str:
    return {"True": "true", "False": "false", "None": "nothing"}.get(str(value), str(value))
