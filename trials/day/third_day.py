"""The troubles of a third day: of single bookings, of what stands beside the runs, of settings."""

from __future__ import annotations

from datetime import timedelta

from naverplace.domain.troubles import TroubleKind as K
from sandbox.credentials import STORE_IDS
from trials.day.planting import (
    flag_is_a_text,
    flags_are_mended,
    handed_to_a_dead_legacy,
    log_is_unread,
    login_page,
    login_page_is_back,
    no_faults,
    notice_is_gone,
    notice_to_a_dead_slack,
    number_at_sens,
    paused_over_a_guide,
    restored,
    rules_without_good_ones,
    runs_are_switched_off,
    runs_are_switched_on,
    setting,
    setting_is_right,
    taken_over_again,
    view,
    without_times,
)
from trials.day.planting_records import (
    foreign_message,
    forgotten_record,
    lost_at_sens,
    never_finished,
    sent_once_more,
)
from trials.day.trouble import CRASHED, Trouble

LONG_NAME = " 아주 길고 아무도 부르지 않을 이름을 가진 손님이라고 적은 장난스러운 이름입니다"
RETRY_WAIT = "NAVERPLACE_SENS__RETRY_WAIT"

THIRD_DAY: tuple[Trouble, ...] = (
    Trouble(
        "a guide falls due in a pause",
        paused_over_a_guide,
        says=("정지", "안내를 받지 못한", "전화"),
        ends=False,
        stores=(STORE_IDS[5],),
        silent=True,
        minutes=70,
        kinds=(K.GUIDE_PAUSED,),
    ),
    Trouble(
        "and is too late when the pause ends",
        says=("시간이 지나", "안내"),
        within=54 + 20,  # it starts 54 minutes after planting
        ends=False,
        stores=(),
        minutes=70,
        joins=True,
        kinds=(K.MESSAGE_EXPIRED,),
    ),
    Trouble(
        "a pause ends by itself",
        says=("정지가 끝", "다시 보"),
        within=70 + 20,
        ends=False,
        stores=(),
        minutes=70,
        joins=True,
        kinds=(K.PAUSE_OVER,),
    ),
    Trouble(
        "a number that SENS refuses",
        number_at_sens(STORE_IDS[1], "01000009811", "status:400"),
        no_faults,
        says=("SENS", "안산점", "받지 않은|거절"),
        stores=(STORE_IDS[1],),
        kinds=(K.MESSAGE_REFUSED,),
    ),
    Trouble(
        "a confirmation that does not arrive",
        lambda p: p.shop.add(STORE_IDS[3], hours=30, phone="01000009902"),
        says=("닿지 않", "나래점", "전화"),
        within=2 + 20 + 5,
        ends=False,
        stores=(),
        joins=True,
        kinds=(K.MESSAGE_FAILED,),
    ),
    Trouble(
        "a name that is too long",
        lambda p: p.shop.add(STORE_IDS[4], hours=30, name=LONG_NAME),
        says=("이름", "다솜점"),
        ends=False,
        stores=(),
        joins=True,
        kinds=(K.ODD_NAME,),
    ),
    Trouble(
        "a flag that is a text",
        flag_is_a_text(STORE_IDS[6]),
        flags_are_mended,
        says=("규칙", "confirm_sms"),
        stores=(),
        joins=True,
        kinds=(K.RULE_UNDECIDED,),
    ),
    Trouble(
        "starts that nobody can read",
        view(STORE_IDS[2], without_times),
        view(STORE_IDS[2], None),
        says=("가온점", "잘못된 예약"),
        stores=(STORE_IDS[2],),
        joins=True,
        kinds=(K.STORE_BROKEN,),
    ),
    Trouble(
        "another login page",
        login_page("html"),
        login_page_is_back,
        says=("로그인",),
        within=2 + 5,
        kinds=(K.LOGIN_BROKEN,),
    ),
    Trouble(
        "no login page",
        login_page("status:503"),
        login_page_is_back,
        says=("실행이 실패", "login|로그인"),
        kinds=(K.RUN_FAILED,),
    ),
    Trouble(
        "the runs are switched off at Prefect",
        runs_are_switched_off,
        runs_are_switched_on,
        says=("읽지 않고", "화성점"),
        within=2 + 30 + 10,  # a store may be unread for half an hour
        minutes=38,
        brings=("보냈어야",),
        kinds=(K.STORE_SILENT,),
    ),
    Trouble(
        "a typo, and no earlier rules are good",
        rules_without_good_ones,
        restored("rules/reminders.yaml"),
        says=("설정", r"reminders\.yaml"),
        brings=("Crashed", "신호가"),  # the watchdog cannot begin either: the server tells it
        kinds=(K.SETTINGS_WRONG, CRASHED),
    ),
    Trouble(
        "SENS does not say what has arrived",
        log_is_unread,
        no_faults,
        says=("도착했는지", "확인하지 못"),
        within=2 + 80,  # after an hour without a look
        stores=(),
        minutes=104,
        kinds=(K.DELIVERY_UNREAD,),
    ),
    Trouble(
        "SENS takes a message without an answer",
        number_at_sens(STORE_IDS[1], "01000009812", "drop_after"),
        says=("나갔는지", "안산점"),
        stores=(STORE_IDS[1],),
        minutes=104,
        joins=True,
        kinds=(K.MESSAGE_IN_DOUBT,),
    ),
    Trouble(
        "a setting is wrong",
        setting(RETRY_WAIT, "soon"),
        setting_is_right(RETRY_WAIT),
        says=("Crashed", RETRY_WAIT),
        ends=False,
        brings=("신호가", "읽지 않고", "보냈어야"),
        kinds=(CRASHED,),
    ),
    Trouble(
        "a notice that no channel takes",
        notice_to_a_dead_slack,
        notice_is_gone,
        says=("적거나 알리지 못한", "다솜점"),
        to=("owner",),
        stores=(),
        brings=("채널",),
        kinds=(K.ACTION_FAILED, K.CHANNEL_DOWN),
    ),
    Trouble(
        "the legacy of a store is dead",
        handed_to_a_dead_legacy(STORE_IDS[7]),
        taken_over_again(STORE_IDS[7]),
        says=("레거시", "바른점"),
        within=54 + 35 + 10,  # the guide is due after 54 minutes; a run of it takes 15
        minutes=104,
        settles=44,  # beside a legacy everybody is sent to by the second run
        kinds=(K.LEGACY_DEAD,),
    ),
)
BEFORE_RETENTION = timedelta(hours=4, minutes=25)
BEFORE_RECONCILIATION = timedelta(hours=8, minutes=55)
# The ends of these are found by the next day's job.
AT_FIXED_TIMES: tuple[tuple[timedelta, Trouble], ...] = (
    (
        BEFORE_RECONCILIATION,
        Trouble(
            "a foreign message in SENS's log",
            foreign_message,
            says=("다른|모르는|장부에 없",),
            ends=False,
            stores=(),
            kinds=(K.FOREIGN_MESSAGE,),
        ),
    ),
    (
        timedelta(hours=9, minutes=5),
        Trouble(
            "SENS's log cannot be read by the reconciliation",
            lambda p: p.fault("sens", "GET"),
            no_faults,
            says=("대조하지 못",),
            ends=False,
            stores=(),
            minutes=10,
            kinds=(K.RECONCILIATION_FAILED,),
        ),
    ),
    (
        BEFORE_RETENTION,
        Trouble(
            "a record of a store that is not ours any more",
            forgotten_record,
            says=("개인정보", "보관 기간"),
            ends=False,
            stores=(),
            kinds=(K.PERSONAL_DATA_LEFT,),
        ),
    ),
    (
        BEFORE_RECONCILIATION,
        Trouble(
            "somebody sends again what we have sent",
            sent_once_more,
            says=("두 번",),
            ends=False,
            stores=(),
            kinds=(K.SENT_TWICE,),
        ),
    ),
    (
        BEFORE_RECONCILIATION,
        Trouble(
            "a message is not in SENS's log",
            lost_at_sens,
            says=("장부", "SENS 기록에 없음"),
            ends=False,
            stores=(),
            kinds=(K.LEDGER_MISMATCH,),
        ),
    ),
    (
        BEFORE_RECONCILIATION,
        Trouble(
            "a message of four days ago without a result",
            never_finished,
            says=("수신 결과", "끝내"),
            ends=False,
            stores=(),
            kinds=(K.NEVER_FINISHED,),
        ),
    ),
)
