"""The hands that a trouble is planted and mended with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sandbox.credentials import STORE_IDS
from sandbox.faults import Fault
from trials.day.player import Player

FIRST = STORE_IDS[0]  # 화성점, which has the most bookings
NEW_IDS = 900_000_000
RUNAWAY = "01000009810"
Do = Callable[[Player], Any]


def due_soon(player: Player) -> None:
    """Let three people be owed a guide, of stores that are served well."""
    for store_id in STORE_IDS[4:7]:
        player.shop.add(store_id, hours=1.9)


def sens(kind: str, value: Any = None) -> Do:
    """Let SENS answer so to whoever is owed a guide."""

    def plant(player: Player) -> None:
        due_soon(player)
        player.fault("sens", kind=kind, value=value)

    return plant


def no_faults(player: Player) -> None:
    """Let all services work."""
    player.no_faults()


def of_store(store_id: str, kind: str, *, match: str = "", value: Any = None) -> Do:
    """Let Naver's answers about one store go wrong."""
    path = f"businesses/{store_id}/bookings{match}"
    return lambda player: player.fault("partner", path, kind, value)


def view(store_id: str, change: Callable[[list[Any]], list[Any]] | None) -> Do:
    """Let Naver show the bookings of a store in another way; None: as they are."""

    def do(player: Player) -> None:
        player.shop.views.pop(store_id, None)
        if change:
            player.shop.views[store_id] = change
        player.shop.publish(store_id)

    return do


def with_new_ids(raws: list[Any]) -> list[Any]:
    """Give every booking another id."""
    return [{**raw, "bookingId": raw["bookingId"] + NEW_IDS} for raw in raws]


def without_id(raws: list[Any]) -> list[Any]:
    """Add a booking that has no id."""
    return [*raws, {**raws[0], "bookingId": None}]


def signed_out(**account: Any) -> Do:
    """End the session, and let the account be so."""

    def plant(player: Player) -> None:
        with player.world.lock:
            player.world.cookies.kill_all()
            for name, value in account.items():
                setattr(player.world.account, name, value)

    return plant


def log_in(player: Player) -> None:
    """Let somebody mend the account, and log in."""
    player.world.account.mode = "ok"
    player.command("login")


def edited(name: str, old: str, new: str) -> Do:
    """Write something else into a file of the configuration."""

    def change(text: str) -> str:
        if old not in text:
            raise RuntimeError(f"{name} has no {old!r} any more")
        return text.replace(old, new, 1)

    return lambda player: player.edit(name, change)


def restored(*names: str) -> Do:
    """Put files of the configuration back."""

    def mend(player: Player) -> None:
        for name in names:
            player.restore(name)

    return mend


def without_store(player: Player) -> None:
    """Take a store out of stores.yaml, and its guide, as somebody who thinks that it has closed."""
    last = STORE_IDS[-1]

    def cut_line(text: str) -> str:
        return "".join(line for line in text.splitlines(True) if f'"{last}"' not in line)

    def cut_guide(text: str) -> str:
        return text[: text.index(f'      "{last}": |')]

    player.edit("stores.yaml", cut_line)
    player.edit("rules/templates-guide.yaml", cut_guide)


def report_folder_is_a_file(player: Player) -> None:
    """Put a file where the report folder was."""
    folder = player.folder / "reports"
    folder.rename(folder.with_name("reports-before"))
    folder.write_text("", "utf-8")


def report_folder_is_back(player: Player) -> None:
    """Put the report folder back."""
    folder = player.folder / "reports"
    folder.unlink()
    folder.with_name("reports-before").rename(folder)


def telegram_down(player: Player) -> None:
    """Let Telegram be down while there is something to tell."""
    player.fault("telegram")
    player.shop.add(STORE_IDS[1], hours=30, broken="phone")  # there is something to tell


def slack_dead(player: Player) -> None:
    """Let Slack's webhook be dead while there is something to tell."""
    player.world.hook.state = "no_service"
    player.shop.add(STORE_IDS[2], hours=30, broken="phone")


def slack_alive(player: Player) -> None:
    """Let the webhook work."""
    player.world.hook.state = "alive"


def with_traffic(do: Do) -> Do:
    """Do it while somebody is owed a guide."""

    def plant(player: Player) -> None:
        due_soon(player)
        do(player)

    return plant


def paused_yesterday(player: Player) -> None:
    """Pause a store; one who is owed a guide there will see that nothing comes."""
    player.shop.add(STORE_IDS[2], hours=3)
    player.command("pause", STORE_IDS[2], "--reason", "공사", ago=timedelta(days=1))


def runaway(player: Player) -> None:
    """Let one customer's message be accepted again and again: nothing writes it down."""
    player.shop.add(STORE_IDS[4], hours=1.9, phone=RUNAWAY, sent=("confirmation",))
    player.extra_bug = "one acceptance is not recorded"
    player.changed["NAVERPLACE_CAPS__PER_PHONE"] = "2"


def recorded_again(player: Player) -> None:
    """Let acceptances be recorded."""
    player.extra_bug = ""
    del player.changed["NAVERPLACE_CAPS__PER_PHONE"]


def everybody_is_owed(player: Player) -> None:
    """Write a rule that owes every customer something."""
    player.changed["NAVERPLACE_CAPS__FLOOR"] = "20"  # less than the first store's bookings
    player.edit("rules/reminders.yaml", lambda text: text + EVERYBODY)


def rule_is_gone(player: Player) -> None:
    """Take that rule away."""
    player.restore("rules/reminders.yaml")
    del player.changed["NAVERPLACE_CAPS__FLOOR"]


def clock(seconds: float | None) -> Do:
    """Let this machine's clock be wrong by so many seconds."""

    def do(player: Player) -> None:
        player.clock_error = seconds or 0.0

    return do


def paused_over_a_guide(player: Player) -> None:
    """Pause a store for so long that a guide falls due in it, and is too late."""
    player.shop.add(STORE_IDS[5], hours=0.9, sent=("confirmation",))
    player.command("pause", STORE_IDS[5], "--until", "+70m", "--reason", "공사")


def number_at_sens(store_id: str, phone: str, kind: str) -> Do:
    """Let somebody book, and SENS answer so whenever a message is for their number."""

    def plant(player: Player) -> None:
        player.shop.add(store_id, hours=30, phone=phone)
        fault = Fault("sens", "POST", kind, times=None, holding=phone)
        with player.world.lock:
            player.world.faults.append(fault)

    return plant


def flag_is_a_text(store_id: str) -> Do:
    """Let somebody write a flag by hand, as the text "true"."""

    def plant(player: Player) -> None:
        player.shop.add(store_id, hours=30, sent=("confirmation",), flags={"confirm_sms": "true"})

    return plant


def flags_are_mended(player: Player) -> None:
    """Write those flags as flags."""
    for item in player.sandbox.sms_items():
        if item["confirm_sms"] == "true":
            player.sandbox.put_sms_item({**item, "confirm_sms": True})


def without_times(raws: list[Any]) -> list[Any]:
    """Write every start in a way that nobody knows."""
    soon = {"startDateTime": "soon"}
    return [{**raw, "snapshotJson": {**raw["snapshotJson"], **soon}} for raw in raws]


def login_page(kind: str) -> Do:
    """End the session, and let Naver's login page be another one, or none."""

    def plant(player: Player) -> None:
        signed_out()(player)
        player.changed["NAVERPLACE_NAVER__LOGIN_TIMEOUT"] = "10"
        player.fault("nid", "nidlogin", kind)

    return plant


def login_page_is_back(player: Player) -> None:
    """Let the login page be as it was, and log in."""
    player.no_faults()
    del player.changed["NAVERPLACE_NAVER__LOGIN_TIMEOUT"]
    log_in(player)


def runs_are_switched_off(player: Player) -> None:
    """Pause the deployment at Prefect, as somebody does with one click in its UI."""
    player.prefect.paused.add("process-bookings")


def runs_are_switched_on(player: Player) -> None:
    """Let the deployment run again."""
    player.prefect.paused.clear()


def rules_without_good_ones(player: Player) -> None:
    """Let the last good rulebook be lost, and this one have a typo."""
    for item in player.sandbox.session_items():
        if item["id"] == "naverplace-rulebook":
            player.sandbox.put_session_item({**item, "texts": ""})
    edited("rules/reminders.yaml", "- booking_status: RC03", "- booking_statsu: RC03")(player)


def setting(name: str, value: str) -> Do:
    """Set a setting."""
    return lambda player: player.changed.update({name: value})


def setting_is_right(name: str) -> Do:
    """Unset it."""
    return lambda player: player.changed.pop(name, None)


def handed_to_a_dead_legacy(store_id: str) -> Do:
    """Hand a store back to the legacy, which sends nothing; somebody is owed a guide there."""

    def plant(player: Player) -> None:
        player.shop.add(store_id, hours=2.9, sent=("confirmation",))
        player.command("rollback", store_id, "--although-it-would-die")

    return plant


def taken_over_again(store_id: str) -> Do:
    """Take the store back."""
    words = ("cutover", store_id, "--without-go", "레거시가 멈춤", "--legacy-off")
    return lambda player: player.command(*words)


def log_is_unread(player: Player) -> None:
    """Let SENS take messages, and not say what became of them."""
    player.shop.add(STORE_IDS[4], hours=30)
    player.fault("sens", "GET")


def notice_to_a_dead_slack(player: Player) -> None:
    """Let a rule owe the engineers a line, which Slack does not take."""
    player.world.hook.state = "no_service"
    player.shop.add(STORE_IDS[4], hours=1.9, sent=("confirmation",))
    player.edit("rules/reminders.yaml", lambda text: text + NOTICE)


def notice_is_gone(player: Player) -> None:
    """Let Slack work, and the rule go."""
    slack_alive(player)
    player.restore("rules/reminders.yaml")


NOTICE = """
- rule: door-note
  description: the engineers are told who comes soon
  when:
    - booking_status: RC03
    - store_is: 1462519
    - time_before_booking: {hours: 2}
  then:
    - send_slack: {message: "{{ booking.booking_num }}", once: door}
"""
EVERYBODY = """
- rule: everybody
  description: a mistake that owes every customer something
  when:
    - booking_status: RC03
    - starts_in_future
  then:
    - send_sms: welcome
"""
