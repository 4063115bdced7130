"""Everything that the owner may be alarmed of: one entry each, in the words that are read.

docs/runbook.md has a row for every kind; reporting/owner_messages.py decides when one is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from naverplace.base.errors import (
    CaptchaRequired,
    ClockWrong,
    LoginFailed,
    NewDevice,
    Protected,
    RulesError,
    SessionExpired,
    SettingsError,
    TwoStep,
    WrongPassword,
)
from naverplace.domain.effects import store_of_booking


class Source(StrEnum):
    """Who looks for a kind of trouble; nobody else may say that it is over."""

    RUN = "run"
    WATCHDOG = "watchdog"
    RECONCILIATION = "reconciliation"
    RETENTION = "retention"
    TELLING = "telling"  # whoever tells the owner learns on the way that a channel is down


class TroubleKind(StrEnum):
    """What may be wrong; the value is the name in memory, runbook and JSON."""

    # A run cannot do its work.
    LOGIN_REFUSED = "login-refused"
    LOGIN_PERSON = "login-person"
    LOGIN_BROKEN = "login-broken"
    CLOCK_WRONG = "clock-wrong"
    SETTINGS_WRONG = "settings-wrong"
    CONFIG_REFUSED = "config-refused"
    DYNAMODB_DOWN = "dynamodb-down"
    RUN_FAILED = "run-failed"
    SHARD_FAILED = "shard-failed"
    REPORT_UNWRITTEN = "report-unwritten"
    SUMS_WRONG = "sums-wrong"
    # A store is not served.
    STORE_UNREAD = "store-unread"
    STORE_BROKEN = "store-broken"
    STORE_HALTED = "store-halted"
    STORE_GONE = "store-gone"
    PAUSE_FORGOTTEN = "pause-forgotten"
    PAUSE_OVER = "pause-over"
    GUIDE_PAUSED = "guide-paused"
    CAP_REACHED = "cap-reached"
    # Messages do not go out, or do not arrive.
    SENS_DOWN = "sens-down"
    SENS_REFUSES = "sens-refuses"
    BALANCE_EMPTY = "balance-empty"
    MESSAGE_REFUSED = "message-refused"
    MESSAGE_IN_DOUBT = "message-in-doubt"
    MESSAGE_EXPIRED = "message-expired"
    GUIDE_FAILED = "guide-failed"
    MESSAGE_FAILED = "message-failed"
    DELIVERY_UNREAD = "delivery-unread"
    RULE_UNDECIDED = "rule-undecided"
    ACTION_FAILED = "action-failed"
    BAD_BOOKING = "bad-booking"
    ODD_NAME = "odd-name"
    # What is seen beside the runs.
    STORE_SILENT = "store-silent"
    MESSAGE_LATE = "message-late"
    LEGACY_DEAD = "legacy-dead"
    FOREIGN_MESSAGE = "foreign-message"
    SENT_TWICE = "sent-twice"
    LEDGER_MISMATCH = "ledger-mismatch"
    NEVER_FINISHED = "never-finished"
    RECONCILIATION_FAILED = "reconciliation-failed"
    PERSONAL_DATA_LEFT = "personal-data-left"
    CHANNEL_DOWN = "channel-down"


@dataclass(frozen=True)
class TroubleWords:
    """How a kind is told: what is wrong, what it means, what to do."""

    title: str
    means: str
    action: str
    source: Source = Source.RUN
    urgent: bool = False  # a customer stands before a closed door, or soon will
    ends: bool = True  # False: it has happened and is told once


_URGENT_LOGIN = "지금은 어느 매장의 문자도 나가지 않습니다"
_NEXT_RUN = "고치면 다음 실행이 밀린 문자를 보냅니다"
WORDS: dict[TroubleKind, TroubleWords] = {
    TroubleKind.LOGIN_REFUSED: TroubleWords(
        "네이버가 비밀번호를 거절했습니다",
        f"{_URGENT_LOGIN}. 계정이 잠기지 않도록 한 시간 동안 다시 시도하지 않습니다",
        "설정의 아이디와 비밀번호를 고친 뒤 naverplace login",
        urgent=True,
    ),
    TroubleKind.LOGIN_PERSON: TroubleWords(
        "네이버 로그인에 사람이 필요합니다",
        _URGENT_LOGIN,
        "화면이 있는 PC에서 naverplace login --headed",
        urgent=True,
    ),
    TroubleKind.LOGIN_BROKEN: TroubleWords(
        "네이버에 로그인하지 못했습니다", _URGENT_LOGIN, "naverplace doctor 확인", urgent=True
    ),
    TroubleKind.CLOCK_WRONG: TroubleWords(
        "서버 시계가 맞지 않습니다",
        "시각을 믿을 수 없어 문자를 보내지 않습니다",
        "서버의 시각 동기화(NTP) 확인",
        urgent=True,
    ),
    TroubleKind.SETTINGS_WRONG: TroubleWords(
        "설정이 잘못되어 시작하지 못했습니다",
        "문자가 나가지 않습니다",
        f"위의 설정을 고쳐 주세요. {_NEXT_RUN}",
        urgent=True,
    ),
    TroubleKind.CONFIG_REFUSED: TroubleWords(
        "규칙 파일에 잘못된 곳이 있습니다",
        "문자는 그대로 나갑니다. 마지막으로 맞았던 규칙을 쓰고, 새로 고친 내용은 쓰지 않습니다",
        "위의 줄을 고친 뒤 naverplace rules check",
    ),
    TroubleKind.DYNAMODB_DOWN: TroubleWords(
        "장부(DynamoDB)를 읽고 쓸 수 없습니다",
        "두 번 보내지 않도록 문자를 보내지 않고 기다립니다",
        f"naverplace doctor 확인. {_NEXT_RUN}",
        urgent=True,
    ),
    TroubleKind.RUN_FAILED: TroubleWords(
        "예약 알림 실행이 실패했습니다",
        "이번 실행에서 나가지 못한 문자가 있을 수 있습니다",
        "다음 실행이 이어서 보냅니다. 계속되면 naverplace doctor",
    ),
    TroubleKind.SHARD_FAILED: TroubleWords(
        "나누어 실행한 일부가 끝나지 못했습니다",
        "그 매장들의 문자가 늦어집니다",
        "다음 실행이 이어서 보냅니다. 계속되면 Prefect UI 확인",
    ),
    TroubleKind.REPORT_UNWRITTEN: TroubleWords(
        "실행 기록을 남기지 못했습니다",
        "문자는 나갔습니다",
        "디스크 공간과 폴더 권한 확인",
    ),
    TroubleKind.SUMS_WRONG: TroubleWords(
        "합계가 맞지 않습니다",
        "프로그램의 결함일 수 있습니다",
        "run-summary를 보관하고 개발자에게 알려 주세요",
    ),
    TroubleKind.STORE_UNREAD: TroubleWords(
        "예약을 읽지 못한 매장이 있습니다",
        "그 매장의 문자가 늦어집니다. 다른 매장은 보냅니다",
        "다음 실행이 다시 읽습니다. 계속되면 naverplace doctor",
    ),
    TroubleKind.STORE_BROKEN: TroubleWords(
        "잘못된 예약이 너무 많아 멈춘 매장이 있습니다",
        "그 매장의 문자를 보내지 않습니다",
        "파트너센터의 예약 확인. 예약이 멀쩡하면 개발자에게 알려 주세요",
    ),
    TroubleKind.STORE_HALTED: TroubleWords(
        "예약 목록이 이상하여 멈춘 매장이 있습니다",
        "그 매장의 문자를 보내지 않습니다",
        "naverplace stores 확인. 목록이 맞으면 naverplace release 매장번호",
    ),
    TroubleKind.STORE_GONE: TroubleWords(
        "stores.yaml에서 사라진 매장이 있습니다",
        "그 매장의 예약에는 문자가 나가지 않습니다",
        "stores.yaml에 다시 넣기. 문을 닫았으면 NAVERPLACE_RETENTION__CLOSED_STORES에 적기",
    ),
    TroubleKind.PAUSE_FORGOTTEN: TroubleWords(
        "멈춰 둔 매장이 아직 멈춰 있습니다",
        "그 매장의 문자를 보내지 않습니다",
        "다시 보내려면 naverplace resume 매장번호",
    ),
    TroubleKind.PAUSE_OVER: TroubleWords(
        "일시 정지가 끝났습니다",
        "그 매장의 문자를 다시 보냅니다",
        "더 멈추려면 naverplace pause 매장번호",
        ends=False,
    ),
    TroubleKind.GUIDE_PAUSED: TroubleWords(
        "일시 정지 때문에 출입 안내를 받지 못한 고객이 있습니다",
        "고객이 들어오지 못할 수 있습니다",
        "naverplace resume 매장번호, 아니면 고객에게 전화. 전화번호: naverplace contact 예약번호",
        urgent=True,
        ends=False,
    ),
    TroubleKind.CAP_REACHED: TroubleWords(
        "문자가 평소보다 너무 많아 멈췄습니다",
        "한도를 넘는 문자는 보내지 않습니다",
        "정상이면 naverplace release, 아니면 규칙과 예약 확인",
    ),
    TroubleKind.SENS_DOWN: TroubleWords(
        "문자 서비스(SENS)에 연결되지 않습니다",
        "문자가 늦어집니다",
        f"SENS 콘솔의 공지 확인. {_NEXT_RUN}",
    ),
    TroubleKind.SENS_REFUSES: TroubleWords(
        "문자 서비스(SENS)가 우리를 거절합니다",
        "문자가 나가지 않습니다",
        f"SENS 키와 서비스 ID, 발신 번호 확인. {_NEXT_RUN}",
        urgent=True,
    ),
    TroubleKind.BALANCE_EMPTY: TroubleWords(
        "SENS 잔액이나 발송 한도가 바닥났습니다",
        "문자가 나가지 않습니다",
        "네이버 클라우드 콘솔에서 결제 수단과 한도 확인",
        urgent=True,
    ),
    TroubleKind.MESSAGE_REFUSED: TroubleWords(
        "SENS가 받지 않은 문자가 있습니다",
        "고객이 그 문자를 받지 못했습니다. 몇 번 더 보내 봅니다",
        "고객의 번호와 문구 확인",
    ),
    TroubleKind.MESSAGE_IN_DOUBT: TroubleWords(
        "나갔는지 알 수 없는 문자가 있습니다",
        "두 번 보내지 않도록 다시 보내지 않습니다",
        "다음 실행이 SENS 기록으로 확인합니다. 계속되면 SENS 콘솔 확인",
    ),
    TroubleKind.MESSAGE_EXPIRED: TroubleWords(
        "시간이 지나 보내지 못한 문자가 있습니다",
        "고객이 그 문자를 받지 못했습니다",
        "필요하면 고객에게 전화해 주세요",
        ends=False,
    ),
    TroubleKind.GUIDE_FAILED: TroubleWords(
        "출입 안내 문자가 고객에게 닿지 않았습니다",
        "고객이 들어오지 못할 수 있습니다. 같은 번호로는 다시 보내지 않습니다",
        "고객에게 전화해 주세요. 전화번호는 naverplace contact로 봅니다",
        urgent=True,
        ends=False,
    ),
    TroubleKind.MESSAGE_FAILED: TroubleWords(
        "고객에게 닿지 않은 문자가 있습니다",
        "같은 번호로는 다시 보내지 않습니다",
        "필요하면 고객에게 전화해 주세요. 전화번호는 naverplace contact로 봅니다",
        ends=False,
    ),
    TroubleKind.DELIVERY_UNREAD: TroubleWords(
        "보낸 문자가 도착했는지 확인하지 못하고 있습니다",
        "출입 안내가 닿지 않아도 알지 못합니다",
        "naverplace doctor 확인, 오늘의 출입 안내는 SENS 콘솔 확인",
    ),
    TroubleKind.RULE_UNDECIDED: TroubleWords(
        "규칙을 적용하지 못한 예약이 있습니다",
        "그 예약에는 그 규칙의 문자가 나가지 않습니다",
        "위의 규칙과 예약 확인: naverplace explain 예약번호",
    ),
    TroubleKind.ACTION_FAILED: TroubleWords(
        "장부에 적거나 알리지 못한 것이 있습니다",
        "다음 실행이 다시 합니다",
        "계속되면 naverplace doctor",
    ),
    TroubleKind.BAD_BOOKING: TroubleWords(
        "확인할 예약이 있습니다",
        "이 예약에는 문자를 보내지 않았습니다",
        "파트너센터에서 예약을 고치거나 고객에게 직접 안내해 주세요",
        ends=False,
    ),
    TroubleKind.ODD_NAME: TroubleWords(
        "이름이 이상한 예약이 있습니다",
        "문자에는 이름을 줄이거나 '고객'이라고 썼습니다",
        "파트너센터에서 이름 확인. 장난이면 예약을 취소해 주세요",
        ends=False,
    ),
    TroubleKind.STORE_SILENT: TroubleWords(
        "예약을 읽지 않고 있는 매장이 있습니다",
        "실행이 멈췄을 수 있습니다. 그 매장의 문자가 나가지 않습니다",
        "Prefect UI에서 실행 확인, 급하면 naverplace run",
        Source.WATCHDOG,
        urgent=True,
    ),
    TroubleKind.MESSAGE_LATE: TroubleWords(
        "보냈어야 할 문자가 아직 나가지 않았습니다",
        "고객이 기다리고 있을 수 있습니다",
        "Prefect UI에서 실행 확인, 급하면 naverplace run",
        Source.WATCHDOG,
    ),
    TroubleKind.LEGACY_DEAD: TroubleWords(
        "레거시가 멈춘 것 같습니다",
        "레거시가 맡은 매장의 안내 문자가 나가지 않습니다",
        "naverplace owners 확인",
        Source.WATCHDOG,
        urgent=True,
    ),
    TroubleKind.FOREIGN_MESSAGE: TroubleWords(
        "우리 계정으로 다른 누군가가 문자를 보냈습니다",
        "우리 장부에 없는 문자입니다",
        "아는 발신이 아니면 SENS 키를 바꿔 주세요",
        Source.RECONCILIATION,
        ends=False,
    ),
    TroubleKind.SENT_TWICE: TroubleWords(
        "같은 문자가 두 번 나갔습니다",
        "고객이 같은 문자를 두 번 받았습니다",
        "다른 곳에서도 문자를 보내고 있는지 확인",
        Source.RECONCILIATION,
        ends=False,
    ),
    TroubleKind.LEDGER_MISMATCH: TroubleWords(
        "장부와 SENS 기록이 다릅니다",
        "받지 못한 고객이 있거나 같은 문자가 다시 나갈 수 있습니다",
        "naverplace reconcile 확인, 필요하면 고객에게 전화",
        Source.RECONCILIATION,
        ends=False,
    ),
    TroubleKind.NEVER_FINISHED: TroubleWords(
        "수신 결과가 끝내 오지 않은 문자가 있습니다",
        "고객이 받았는지 알 수 없습니다",
        "SENS 콘솔 확인",
        Source.RECONCILIATION,
        ends=False,
    ),
    TroubleKind.RECONCILIATION_FAILED: TroubleWords(
        "장부와 SENS 기록을 대조하지 못했습니다",
        "다음 대조가 같은 기간을 다시 봅니다",
        "naverplace doctor 확인",
        Source.RECONCILIATION,
    ),
    TroubleKind.PERSONAL_DATA_LEFT: TroubleWords(
        "보관 기간이 지난 개인정보가 남아 있습니다",
        "지우지 못한 것이 있습니다",
        "naverplace retention 확인 (docs/privacy.md)",
        Source.RETENTION,
    ),
    TroubleKind.CHANNEL_DOWN: TroubleWords(
        "알림이 가지 않는 채널이 있습니다",
        "그 채널로는 아무것도 알리지 못합니다",
        "naverplace doctor 확인",
        Source.TELLING,
    ),
}


_K = TroubleKind
_NOTHING_GOES = (
    *(_K.LOGIN_REFUSED, _K.LOGIN_PERSON, _K.LOGIN_BROKEN, _K.CLOCK_WRONG, _K.SETTINGS_WRONG),
    *(_K.CONFIG_REFUSED, _K.DYNAMODB_DOWN, _K.RUN_FAILED, _K.STORE_UNREAD),
)
# What is seen beside the runs, and the causes that a run has told already: one trouble, told once.
EXPLAINED_BY: dict[TroubleKind, frozenset[TroubleKind]] = {
    _K.STORE_SILENT: frozenset((*_NOTHING_GOES, _K.STORE_GONE)),
    _K.MESSAGE_LATE: frozenset(
        (
            *(*_NOTHING_GOES, _K.STORE_BROKEN, _K.STORE_HALTED, _K.STORE_GONE),
            *(_K.PAUSE_FORGOTTEN, _K.CAP_REACHED, _K.SENS_DOWN, _K.SENS_REFUSES),
            *(_K.BALANCE_EMPTY, _K.MESSAGE_REFUSED, _K.MESSAGE_IN_DOUBT, _K.RULE_UNDECIDED),
        )
    ),
}
# Of these one after another comes while SENS or a run stands still: the first is told for all.
GATHERED = (_K.MESSAGE_LATE, _K.MESSAGE_IN_DOUBT, _K.MESSAGE_REFUSED)


@dataclass(frozen=True)
class Trouble:
    """One thing that is wrong; what is told of it, told once by kind and subject.

    `subject` names it for the next run as well: the id of a store, or a booking's number and more,
    which begins with that id. A subject that holds the reasons is told again when they change.
    """

    kind: TroubleKind
    subject: str = ""
    name: str = ""  # the subject as the owner knows it: a store's alias, its booking
    detail: str = ""  # scrubbed; phones masked

    @property
    def words(self) -> TroubleWords:
        """Give the words of its kind."""
        return WORDS[self.kind]

    @property
    def store_id(self) -> str:
        """Name the store that it concerns, for a subject that begins with one."""
        return store_of_booking(self.subject)

    def line(self) -> str:
        """Word it as one line under its kind's title; empty when the title says everything."""
        return ": ".join(part for part in (self.name or self.subject, self.detail) if part)


_PERSON = (CaptchaRequired, NewDevice, TwoStep, Protected)
_BY_REASON = {WrongPassword.reason: TroubleKind.LOGIN_REFUSED} | dict.fromkeys(
    (error.reason for error in _PERSON), TroubleKind.LOGIN_PERSON
)


def kind_of_error(error: BaseException) -> TroubleKind:
    """Name what kind of trouble an error is that stops a whole run."""
    if known := getattr(error, "trouble", None):  # of a task, which has named it already
        return TroubleKind(known)
    if isinstance(error, LoginFailed | SessionExpired):
        reason = getattr(error, "after", "") or getattr(error, "reason", "")
        return _BY_REASON.get(reason, TroubleKind.LOGIN_BROKEN)
    kinds = {
        ClockWrong: TroubleKind.CLOCK_WRONG,
        SettingsError: TroubleKind.SETTINGS_WRONG,
        RulesError: TroubleKind.SETTINGS_WRONG,  # no earlier version was good
    }
    for kind, trouble in kinds.items():
        if isinstance(error, kind):
            return trouble
    return (
        TroubleKind.DYNAMODB_DOWN if str(error).startswith("DynamoDB") else TroubleKind.RUN_FAILED
    )
