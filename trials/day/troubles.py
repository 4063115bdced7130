"""The troubles of two troubled days: how each is planted and mended, and who must be told what.

What must be told is written from the words of issue 13, not from the library's: the regular
expressions name what a person would look for in the message.
"""

from __future__ import annotations

from collections.abc import Sequence

from naverplace.domain.troubles import TroubleKind as K
from sandbox.credentials import STORE_IDS
from trials.day.planting import (
    FIRST,
    clock,
    edited,
    everybody_is_owed,
    log_in,
    no_faults,
    of_store,
    paused_yesterday,
    recorded_again,
    report_folder_is_a_file,
    report_folder_is_back,
    restored,
    rule_is_gone,
    runaway,
    sens,
    signed_out,
    slack_alive,
    slack_dead,
    telegram_down,
    view,
    with_new_ids,
    with_traffic,
    without_id,
    without_store,
)
from trials.day.player import Player
from trials.day.trouble import CRASHED, LATE, NO_SIGNAL, Trouble

TROUBLES: Sequence[Trouble] = (
    Trouble(
        "a guide that SENS fails after accepting it",
        lambda p: p.shop.add(STORE_IDS[3], hours=1.9, phone="01000009901", sent=("confirmation",)),
        says=("안내", "나래점", "전화"),
        within=2 + 20 + 5,  # sent by the run after planting, met by the one after that
        ends=False,
        stores=(),
        minutes=44,
        kinds=(K.GUIDE_FAILED,),
    ),
    Trouble(
        "Naver's list is empty, and its count is not",
        of_store(FIRST, "json", match="?", value="[]"),
        no_faults,
        says=("화성점", "읽지 못"),
        stores=(FIRST,),
        kinds=(K.STORE_UNREAD,),
    ),
    Trouble(
        "a typo in a rule",
        edited("rules/reminders.yaml", "- booking_status: RC03", "- booking_statsu: RC03"),
        restored("rules/reminders.yaml"),
        says=("규칙|설정", r"reminders\.yaml"),
        stores=(),
        kinds=(K.CONFIG_REFUSED,),
    ),
    Trouble(
        "SENS says 401",
        sens("status:401"),
        no_faults,
        says=("SENS|문자 서비스", "거절|키"),
        kinds=(K.SENS_REFUSES,),
    ),
    Trouble(
        "the session has expired",  # and is renewed: nothing to tell
        signed_out(),
        stores=(),
        ends=False,
    ),
    Trouble(
        "a list that trickles",
        of_store(STORE_IDS[1], "trickle:0.5", match="?"),
        no_faults,
        says=("안산점", "읽지 못"),
        stores=(STORE_IDS[1],),
        minutes=12,
        kinds=(K.STORE_UNREAD,),
    ),
    Trouble(
        "DynamoDB is throttled for ten minutes",
        lambda p: p.fault("aws", "", "status:400"),
        no_faults,
        says=("DynamoDB|장부",),
        minutes=10,
        kinds=(K.DYNAMODB_DOWN,),
    ),
    Trouble(
        "a captcha",
        signed_out(mode="captcha"),
        log_in,
        says=("로그인", "사람|보안문자|캡차"),
        within=2 + 5,
        kinds=(K.LOGIN_PERSON,),
    ),
    Trouble(
        "Slack's webhook is dead",
        slack_dead,
        slack_alive,
        says=("알림|채널", "(?i)slack|슬랙"),
        to=("owner",),
        stores=(),
        brings=("예약.*전화번호",),
        kinds=(K.CHANNEL_DOWN,),
    ),
    Trouble(
        "a template that is too long",
        edited(
            "rules/templates.yaml", "      감사합니다.\n", "      " + "감사합니다. " * 200 + "\n"
        ),
        restored("rules/templates.yaml"),
        says=("규칙|설정", r"templates\.yaml"),
        stores=(),
        kinds=(K.CONFIG_REFUSED,),
    ),
    Trouble(
        "all bookings are suddenly new",
        view(FIRST, with_new_ids),
        view(FIRST, None),
        says=("화성점", "예약 목록|새 예약"),
        stores=(FIRST,),
        silent=True,
        kinds=(K.STORE_HALTED,),
    ),
    Trouble(
        "SENS says 429",
        sens("status:429"),
        no_faults,
        says=("SENS|문자 서비스",),
        kinds=(K.SENS_DOWN,),
    ),
    Trouble(
        "a worker is killed",
        with_traffic(Player.kill_in_next_run),
        Player.start_worker,
        says=("신호가 없|시작하지 못",),
        ends_to=("owner",),  # the Prefect server tells no end
        brings=("Crashed",),
        minutes=44,
        kinds=(LATE, NO_SIGNAL),
    ),
    Trouble(
        "the report folder cannot be written",
        report_folder_is_a_file,
        report_folder_is_back,
        says=("기록|폴더|디스크",),
        stores=(),
        kinds=(K.REPORT_UNWRITTEN,),
    ),
    Trouble(
        "a booking without an id",
        view(STORE_IDS[5], without_id),
        view(STORE_IDS[5], None),
        says=("라온점", "예약"),
        ends=False,
        stores=(),
        minutes=84,
        kinds=(K.BAD_BOOKING,),
    ),
    Trouble(
        "the password is refused",
        signed_out(mode="wrong_password"),
        log_in,
        says=("비밀번호",),
        within=2 + 5,
        kinds=(K.LOGIN_REFUSED,),
    ),
    Trouble(
        "an unreadable YAML",
        lambda p: p.edit("rules/templates-guide.yaml", lambda text: text + "  ]: {\n"),
        restored("rules/templates-guide.yaml"),
        says=("규칙|설정", r"templates-guide\.yaml"),
        stores=(),
        kinds=(K.CONFIG_REFUSED,),
    ),
    Trouble(
        "none where many were",
        view(FIRST, lambda raws: []),
        view(FIRST, None),
        says=("화성점", "예약 목록|예약이 하나도"),
        stores=(FIRST,),
        kinds=(K.STORE_HALTED,),
    ),
    Trouble(
        "SENS says 503",
        sens("status:503"),
        no_faults,
        says=("SENS|문자 서비스|나갔는지",),
        kinds=(K.MESSAGE_IN_DOUBT,),
    ),
    Trouble(
        "stores.yaml lacks a store",
        without_store,
        restored("stores.yaml", "rules/templates-guide.yaml"),
        says=(r"stores\.yaml|매장", "바른점|867589"),
        stores=(STORE_IDS[-1],),
        kinds=(K.STORE_GONE,),
    ),
    Trouble(
        "a run stands still",
        with_traffic(Player.freeze_in_next_run),
        Player.thaw,
        says=("Crashed",),
        ends=False,  # the next run goes on
        brings=("보냈어야",),
        kinds=(CRASHED, K.MESSAGE_LATE),
    ),
    Trouble(
        "the balance is empty",
        sens("status:403", "4010 잔액이 부족합니다"),
        no_faults,
        says=("잔액|한도",),
        kinds=(K.BALANCE_EMPTY,),
    ),
    Trouble(
        "Telegram is down",
        telegram_down,
        no_faults,
        says=("알림|채널", "(?i)telegram|텔레그램"),
        to=("engineer",),
        stores=(),
        brings=("예약.*전화번호",),
        kinds=(K.CHANNEL_DOWN,),
    ),
    Trouble(
        "the clock is wrong",
        clock(600.0),
        clock(None),
        says=("시계",),
        kinds=(K.CLOCK_WRONG,),
    ),
    Trouble(
        "the table is gone",
        lambda p: p.fault("aws", "", "status:400", "ResourceNotFoundException"),
        no_faults,
        says=("DynamoDB|장부|테이블",),
        kinds=(K.DYNAMODB_DOWN,),
    ),
    Trouble(
        "a store's bookings cannot be read",
        of_store(STORE_IDS[2], "status:503"),
        no_faults,
        says=("가온점", "읽지 못"),
        stores=(STORE_IDS[2],),
        kinds=(K.STORE_UNREAD,),
    ),
    Trouble(
        "the server is restarted",
        Player.stop_server,
        Player.start_server,
        says=("신호가 없",),
        to=("owner",),  # who shall know it but the outside?
        brings=("시작하지 못",),
        minutes=44,
        kinds=(NO_SIGNAL,),
    ),
    Trouble(
        "a store is paused and forgotten",
        paused_yesterday,
        lambda p: p.command("resume", STORE_IDS[2]),
        says=("가온점", "멈"),
        stores=(STORE_IDS[2],),
        silent=True,
        minutes=44,
        brings=("가온점.*안내",),  # whoever has their start under the pause
        kinds=(K.PAUSE_FORGOTTEN,),
    ),
    Trouble(
        "a rule owes every customer something",
        everybody_is_owed,
        rule_is_gone,
        says=("화성점", "너무 많|한도|평소"),
        kinds=(K.CAP_REACHED,),
    ),
    Trouble(
        "nothing that is accepted is recorded",
        runaway,
        recorded_again,
        says=("다솜점|5\\*\\*\\*\\*9810|9810", "너무 많|한도|평소"),
        within=2 + 40 + 5,  # the third run meets the cap
        brings=("합계가 맞지",),  # it is a defect that shows in the sums
        stores=(),
        minutes=64,
        kinds=(K.CAP_REACHED, K.SUMS_WRONG),
    ),
)
