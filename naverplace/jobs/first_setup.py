"""From nothing to a running shop: each answer is tried as it comes, then the files are written.

Answers are the variables of `.env`; whatever is set already is not asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pydantic import ValidationError

from naverplace.aws.config import AwsSettings
from naverplace.base.clock import Clock
from naverplace.base.errors import NaverPlaceError, SettingsError
from naverplace.base.files import write_whole
from naverplace.base.phone import normalise_phone
from naverplace.base.translation import gettext as _
from naverplace.base.translation import gettext_noop as N_
from naverplace.ledger.schema import create_tables
from naverplace.messaging.sens import SensClient
from naverplace.messaging.telegram import Telegram
from naverplace.settings.env_names import tree_of
from naverplace.settings.schema import (
    ClockSettings,
    NaverSettings,
    SensSettings,
    TelegramSettings,
)

Answers = Mapping[str, str]  # by name of the variable
OTHERS = ("reminders.yaml", "templates.yaml", "notifications.yaml", "fields.yaml")
_S, _N, _T = "NAVERPLACE_SENS__", "NAVERPLACE_NAVER__", "NAVERPLACE_TELEGRAM__"


@dataclass(frozen=True)
class Question:
    """One answer that is needed; a secret is not shown while it is typed."""

    variable: str
    words: str
    secret: bool = False


@dataclass(frozen=True)
class Step:
    """Answers that are tried together; `attempt` gives what it found, and raises what is wrong."""

    title: str
    questions: tuple[Question, ...]
    attempt: Callable[[Answers], str]


@dataclass(frozen=True)
class FirstStore:
    """The store that the shop begins with."""

    id: str
    name: str
    alias: str
    door_code: str = field(default="", repr=False)
    opens_doors: bool = False  # NAVERPLACE_ACCESS is set already

    def check(self) -> None:
        """Raise SettingsError for an id that is none of Naver's, or a missing name."""
        if not re.fullmatch(r"[1-9][0-9]*", self.id):
            words = _(
                "{id!r} is no number of a store: it stands in the address of the partner centre"
            )
            raise SettingsError([words.format(id=self.id)])
        if not (self.name.strip() and self.alias.strip()):
            raise SettingsError([_("a store needs its name and a short name")])


def _section(answers: Answers, name: str) -> Mapping[str, object]:
    section = tree_of(answers, []).get(name, {})
    return section if isinstance(section, Mapping) else {}


def _clock(answers: Answers) -> Clock:
    offset = ClockSettings.model_validate(_section(answers, "clock")).offset_seconds
    return Clock(timedelta(seconds=offset))


def _try_sens(answers: Answers) -> str:
    settings = SensSettings.model_validate(_section(answers, "sens"))
    SensClient(settings, _clock(answers)).check()
    return _("keys, signature and service are good")


def _try_telegram(answers: Answers) -> str:
    telegram = Telegram(TelegramSettings.model_validate(_section(answers, "telegram")))
    telegram.check()
    telegram.send(_("naverplace is connected. Its reports will come here."))
    return _("a message was sent to the chat: look whether it is there")


def _try_tables(answers: Answers) -> str:
    aws = AwsSettings.model_validate(_section(answers, "aws"))
    made = create_tables(aws)
    if made:
        return _("created: {tables}").format(tables=", ".join(made))
    return _("{sms} and {session} are there").format(sms=aws.sms_table, session=aws.session_table)


def _try_naver(answers: Answers) -> str:
    NaverSettings.model_validate(_section(answers, "naver"))
    return _("noted; the login comes at the end")


STEPS = (
    Step("AWS", (), _try_tables),
    Step(
        "SENS",
        (
            Question(f"{_S}SERVICE_ID", N_("SMS service id, like ncp:sms:kr:000000000000:shop")),
            Question(f"{_S}ACCESS_KEY", N_("Naver Cloud access key"), secret=True),
            Question(f"{_S}SECRET_KEY", N_("Naver Cloud secret key"), secret=True),
            Question(f"{_S}DEFAULT_SENDER", N_("sender number, registered with SENS")),
        ),
        _try_sens,
    ),
    Step(
        "Telegram",
        (
            Question(f"{_T}BOT_TOKEN", N_("token of the bot, from @BotFather"), secret=True),
            Question(f"{_T}CHAT_ID", N_("number of the chat in which you have written to the bot")),
        ),
        _try_telegram,
    ),
    Step(
        "Naver",
        (
            Question(f"{_N}USERNAME", N_("the owner's Naver id")),
            Question(f"{_N}PASSWORD", N_("the owner's Naver password"), secret=True),
        ),
        _try_naver,
    ),
)


def try_step(step: Step, answers: Answers) -> str:
    """Try the answers of a step; gives what was found. Raises NaverPlaceError in plain words."""
    try:
        return step.attempt(answers)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        words = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in found]
        raise SettingsError([w.replace("Value error, ", "") for w in words]) from None


def try_sender(answers: Answers, phone: str) -> str:
    """Send one text message to the phone of whoever sets up: only that proves a sender."""
    settings = SensSettings.model_validate(_section(answers, "sens"))
    try:
        to = normalise_phone(phone)
    except ValueError as error:
        raise SettingsError([str(error)]) from None
    SensClient(settings, _clock(answers)).send(
        to=to,
        sender=settings.default_sender,
        subject="",
        text=_("[test] naverplace sends from this number."),
        message_type="SMS",
    )
    return _("SENS took a text message to your phone: look whether it comes")


def write_shop(
    folder: Path, store: FirstStore, answers: Answers, *, env_file: Path, shipped: Path
) -> list[Path]:
    """Write the stores' file, a folder of rules with one guide, and `.env` (0600); lists them.

    Raises SettingsError when one of them is there already: nothing is written over.
    """
    files = {folder / "stores.yaml": _stores(store)}
    for name in OTHERS:
        try:
            files[folder / "rules" / name] = (shipped / name).read_text("utf-8")
        except OSError:
            words = _("{file} is missing: type this in the project's folder")
            raise SettingsError([words.format(file=shipped / name)]) from None
    files[folder / "rules" / "templates-guide.yaml"] = _guide(store)
    files[env_file] = _env({**answers, **_places(folder), **_access(store)})
    if there := [str(path) for path in files if path.exists()]:
        words = _("there already: {files}; move it away, or name another --folder")
        raise SettingsError([words.format(files=", ".join(there))])
    for path, text in files.items():
        write_whole(path, text)
    return list(files)


def _places(folder: Path) -> dict[str, str]:
    return {
        "NAVERPLACE_STORES_FILE": str(folder / "stores.yaml"),
        "NAVERPLACE_RULES_DIR": str(folder / "rules"),
    }


def _access(store: FirstStore) -> dict[str, str]:
    if not store.door_code:
        return {}
    return {"NAVERPLACE_ACCESS": json.dumps({store.id: {"door_code": store.door_code}})}


def _env(variables: Mapping[str, str]) -> str:
    lines = [_("# Written by `naverplace init`; every further setting: .env.example")]
    for name, value in variables.items():
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        lines.append(f"{name}='{escaped}'")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text.strip(), ensure_ascii=False)  # a JSON text is a YAML text


def _stores(store: FirstStore) -> str:
    return (
        f'stores:\n  "{store.id}": {{name: {_quoted(store.name)}, alias: {_quoted(store.alias)}}}\n'
    )


def _guide(store: FirstStore) -> str:
    door = (
        "        ■ 출입문 비밀번호: {{ access.door_code }}\n"
        if store.door_code or store.opens_doors
        else ""
    )
    return (
        "templates:\n"
        "  guide:\n"
        "    type: LMS\n"
        '    subject: "[이용안내] {{ store.alias }}"\n'
        "    stores:\n"
        f'      "{store.id}": |\n'
        "        {{ booking.name }}님, 잠시 후 {{ store.name }} 이용 시간입니다.\n"
        "\n"
        "        ■ 이용 일시: {{ booking.start }}\n"
        f"{door}"
    )


def why_not_good(error: NaverPlaceError) -> str:
    """Word why an answer was not good, with what to do where that is known."""
    return " ".join(filter(None, [str(error), str(getattr(error, "advice", ""))]))
