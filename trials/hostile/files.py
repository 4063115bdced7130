"""What stands in files and variables: YAML, templates, settings, modes."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trials.hostile.inputs import Family, Verdict
from trials.hostile.oracle import judge_good, judge_run
from trials.hostile.player import Player, Ran
from trials.hostile.shop import TEXT
from trials.hostile.texts import PIECES

CHECK = ("rules", "check", "--rules-dir", "rules", "--stores-file", "stores.yaml")
PLACE = re.compile(r"^ *\S+\.ya?ml(\.\w+)?(:\d+)*: ", re.MULTILINE)
FILES = ("reminders.yaml", "templates.yaml", "notifications.yaml", "fields.yaml", "retouch.yaml")
TOKENS = (
    *(
        "\t",
        "  ",
        "- ",
        ": ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "!!python/object/new:os.system ",
        "<<: *a",
    ),
    *(
        "|",
        ">",
        "'",
        '"',
        "#",
        "%",
        "@",
        "`",
        "? ",
        "---\n",
        "...\n",
        "\0",
        "\ufeff",
        "\u00a0",
        "“",
        "”",
    ),
    *(
        "yes",
        "NO",
        "~",
        "null",
        "0o17",
        "0x1F",
        "1_000",
        "1e999",
        ".nan",
        "2025-10-22",
        "12:30:45",
        "=" * 500,
    ),
    *PIECES,
)


class CheckedFiles(Family):
    """Files that `naverplace rules check` must take or refuse by their place, soon."""

    def write(self, folder: Path, value: Any) -> None:
        raise NotImplementedError

    def play(self, player: Player, given: Mapping[int, Any]) -> Verdict:
        ((seed, value),) = given.items()
        with player.world() as folder:
            player.open()
            self.write(folder, value)
            ran = player.command(folder, *CHECK, deadline=15.0)
            lines = judge_run(player, ran)
            lines += [f"exit {ran.exit}"] if ran.exit not in (0, 2) else []
            if ran.exit == 2 and not PLACE.search(ran.output):
                lines.append(f"no place is named: {ran.output[:300]!r}")
            return Verdict({seed: [*lines, *self.judge(ran, value)]})

    def judge(self, ran: Ran, value: Any) -> list[str]:
        return []


class Yaml(CheckedFiles):
    """A file of the owner's, edited by a slip."""

    name, whole, short = "yaml", 70, 2
    known: Sequence[Any] = (
        ("reminders.yaml", "[" * 5000),
        (
            "reminders.yaml",
            "a: &a [x]\n" + "".join(f"b{n}: &b{n} [{', '.join(['*a'] * 9)}]\n" for n in range(9)),
        ),
        ("templates.yaml", "templates: !!python/object/apply:os.system ['true']\n"),
        ("notifications.yaml", "channels: {telegram: {enabled: yes}}\n"),
        ("fields.yaml", "\x00"),
        ("fields.yaml", "fields:\n\t- a\n"),
        ("reminders.yaml", "- rule: " + "9" * 10_000 + "\n"),
        ("reminders.yaml", "a" * 3_000_000),
    )

    def made(self, rng: random.Random) -> Any:
        return rng.choice(FILES), rng.random()

    def write(self, folder: Path, value: Any) -> None:
        name, change = value
        file = folder / "rules" / name
        if isinstance(change, str):
            file.write_bytes(change.encode("utf-8", "surrogateescape"))
            return
        rng, text = random.Random(change), file.read_text("utf-8")
        for _ in range(rng.choice((1, 1, 2, 5))):
            at = rng.randrange(len(text))
            text = (
                text[:at]
                + rng.choice(("", rng.choice(TOKENS), rng.choice(TOKENS)))
                + text[at + rng.choice((0, 0, 1, 9)) :]
            )
        file.write_bytes(
            text.encode(rng.choice(("utf-8", "utf-8", "utf-8", "utf-16", "cp949")), "replace")
        )


WORDS = ("booking.name", "store.alias", "access.door_code", "booking.options", "'a'", "booking")
FILTERS = ("center", "indent", "wordwrap", "truncate", "batch", "slice", "round")
ATTRIBUTES = ("__class__", "__dict__", "format", "ljust", "get_secret_value", "name", "_x")
SIGNS = (
    *(("{{", "}}"), ("{%", "%}"), ("{#", "#}"), ("｛｛", "｝｝"), ("{ {", "} }")),
    *(("[[", "]]"), ("<%", "%>"), ("${", "}"), ("{{", "}"), ("{", "}}")),
)


class Templates(CheckedFiles):
    """A text that would take the machine, or what is not its own."""

    name, whole, short = "templates", 50, 2
    known: Sequence[Any] = (
        "{{ 'a' * 10**9 }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ booking.name.__init__.__globals__ }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 'x'.ljust(10**9) }}",
        "{{ 'x'.center(10**9) }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ ['x'] * 10**9 }}",
        "｛｛ access.door_code ｝｝",
        "{{ access }}",
        "{ { booking.name } }",
        "{{ lipsum(n=100000) }}",
        "{% include '/etc/passwd' %}",
        "{{ 'ab' | batch(10**9) | list }}",
        "{{ booking.name | indent(10**9) }}",
        "{{ (range(9999999) | list) | length }}",
    )

    def made(self, rng: random.Random) -> Any:
        """Put a large number, a way into Python or a broken sign into a text."""
        big = rng.choice(("10**9", "999999999", "2**40", "-1", "1e9", "9**9**9"))
        word, fill = rng.choice(WORDS), rng.choice(FILTERS)
        opening, closing = rng.choice(SIGNS)
        part = rng.choice(
            (
                f"{{{{ {word} * {big} }}}}",
                f"{{{{ {word} | {fill}({big}) }}}}",
                f"{{% for i in range({big}) %}}{{{{ {word} }}}}{{% endfor %}}",
                f"{{{{ {word}.{rng.choice(ATTRIBUTES)}({big}) }}}}",
                f"{{% set a = {word} %}}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
                f"{opening} {word} {closing}",
            )
        )
        return part if rng.random() < 0.7 else rng.choice(PIECES) + part + rng.choice(PIECES)

    def write(self, folder: Path, value: Any) -> None:
        file = folder / "rules" / "templates.yaml"
        tree = json.loads(file.read_text("utf-8"))
        tree["templates"]["confirmation"]["text"] = TEXT + "\n" + value
        file.write_text(json.dumps(tree), "utf-8")

    def judge(self, ran: Ran, value: Any) -> list[str]:
        looks = re.search(r"[{｛]\s*[{｛%]\s*(access|booking|store)\b", value)
        if looks and ran.exit == 0 and "{{" not in value and "{%" not in value:
            return ["what looks like a placeholder would go to customers as it stands"]
        return []


NAMES = (
    *(
        "NAVER__USERNAME",
        "NAVER__PASSWORD",
        "NAVER__PARTNER_URL",
        "NAVER__PAGE_SIZE",
        "NAVER__ATTEMPTS",
    ),
    *(
        "SENS__URL",
        "SENS__SERVICE_ID",
        "SENS__SECRET_KEY",
        "SENS__DEFAULT_SENDER",
        "SENS__READ_TIMEOUT",
    ),
    *(
        "TELEGRAM__URL",
        "TELEGRAM__BOT_TOKEN",
        "TELEGRAM__CHAT_ID",
        "SLACK__WEBHOOK_URL",
        "SLACK__TIMEOUT",
    ),
    *(
        "AWS__REGION",
        "AWS__ENDPOINT_URL",
        "AWS__SMS_TABLE",
        "AWS__ATTEMPTS",
        "ACCESS",
        "REPORT_DIR",
    ),
    *(
        "RULES_DIR",
        "STORES_FILE",
        "CLOCK__OFFSET_SECONDS",
        "LEDGER__LEASE_SECONDS",
        "BREAKER__RELEASED",
    ),
    *(
        "CAPS__PER_PHONE",
        "QUALITY__MAX_BAD_SHARE",
        "WATCHDOG__PING_URL",
        "CAPTURE__WHERE",
        "NONE__SUCH",
    ),
)
VALUES = (
    *(
        "",
        " ",
        "0",
        "-1",
        "nan",
        "inf",
        "1e400",
        "9" * 400,
        "true",
        "null",
        "[]",
        "{}",
        '{"1": {"a": 1}}',
    ),
    *(
        "[" * 5000,
        '"',
        "가",
        "\n",
        "\r\nX: y",
        "\x7f",
        "\udc80",
        "a" * 50_000,
        "../../etc/passwd",
        "/dev/null",
    ),
    *(
        "http://",
        "http://[::1",
        "ftp://a",
        "http://user:pw@h/",
        "//h",
        "file:///etc/passwd",
        "http://" + "a" * 300,
    ),
    *(
        "/dev/full",
        "/proc/self/mem",
        "1051707",
        "ncp:sms:kr:1:x",
        "010-0000-0000",
        "https://x.invalid:99999/",
    ),
)


class Settings(Family):
    """One variable of the environment with something in it that is none of its values."""

    name, whole, short = "settings", 60, 1
    known: Sequence[Any] = (
        ("ACCESS", '{"1051707": {"door_code": 7301}}'),
        ("SENS__SECRET_KEY", "x"),
        ("CLOCK__OFFSET_SECONDS", "1e300"),
    )

    def made(self, rng: random.Random) -> Any:
        return rng.choice(NAMES), rng.choice(VALUES)

    def play(self, player: Player, given: Mapping[int, Any]) -> Verdict:
        ((seed, (name, value)),) = given.items()
        with player.world() as folder:
            player.open()
            variable = f"NAVERPLACE_{name}"
            ran = player.command(folder, "doctor", env={variable: value}, deadline=30.0)
            lines = judge_run(player, ran)
            lines += [f"exit {ran.exit}"] if ran.exit not in (0, 1, 2) else []
            if (
                ran.exit == 2
                and name.lower().replace("__", ".") not in ran.output.lower()
                and variable not in ran.output
            ):
                lines.append(f"it names no setting: {ran.output[:300]!r}")
            return Verdict({seed: lines})


MEMORY = f"naverplace-{os.getuid()}"  # the folder of the owner's memory, in an outage
PLACES = (
    *("rules", "rules/reminders.yaml", "rules/templates.yaml", "stores.yaml"),
    *(".env", "reports", MEMORY),
)
MODES = (0o000, 0o100, 0o200, 0o300, 0o400, 0o444, 0o500, 0o555, 0o600, 0o644, 0o666, 0o777)


class FileModes(Family):
    """A file or folder that the service may not read, or that others may."""

    name, whole, short = "file modes", 30, 1
    known: Sequence[Any] = (
        ("rules", 0o000),
        ("reports", 0o000),
        ("rules/templates.yaml", 0o000),
        ("stores.yaml", 0o000),
        (".env", 0o000),
        (".env", 0o644),
        ("rules", 0o666),
        (MEMORY, 0o000),
    )

    def made(self, rng: random.Random) -> Any:
        return rng.choice(PLACES), rng.choice(MODES)

    def play(self, player: Player, given: Mapping[int, Any]) -> Verdict:
        """Serve everybody, or say which file is in the way."""
        ((seed, (name, mode)),) = given.items()
        with player.world() as folder:
            player.open()
            for made in ("reports", MEMORY):
                (folder / made).mkdir()
            (folder / ".env").write_text("NAVERPLACE_NAVER__PAGE_SIZE=50\n")
            (folder / name).chmod(mode)
            ran = player.run(folder, by_modes=True)
            looked = player.command(folder, "doctor", by_modes=True)
            (folder / name).chmod(0o700)
            lines = judge_run(player, ran, looked)
            if player.sandbox.messages():
                lines += judge_good(player)
            elif name.rpartition("/")[2] not in f"{ran.answer}{ran.output}":
                lines.append(f"nothing was sent, and nothing names {name}: {ran.answer[:200]}")
            if name == ".env" and mode & 0o044 and looked.exit == 0:
                lines.append("doctor finds nothing in a .env that others may read")
            return Verdict({seed: lines})


FAMILIES: tuple[Family, ...] = (Yaml(), Templates(), Settings(), FileModes())
