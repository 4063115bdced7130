"""Judges the text messages of a day by the year's oracle: never twice, never lost, never wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import yaml

from trials.day.planting import RUNAWAY
from trials.day.player import Played
from trials.day.schedule import ROOT
from trials.year.oracle import Oracle

MOST_TO_RUNAWAY = 3  # two while nothing is written down, and the one that is
ACCIDENT = "예약 고맙습니다"  # in the text of the rule that owes everybody something
MOST_BY_ACCIDENT = 8 * 20


def wrong_messages(played: Played, until: datetime) -> Iterator[str]:
    """Say what is wrong with the text messages of a day."""
    stores = yaml.safe_load((ROOT / "deployments" / "stores.yaml").read_text("utf-8"))["stores"]
    oracle = Oracle({store_id: store["alias"] for store_id, store in stores.items()})
    for slot in (slot for slot in played.sent_before if slot.told.to != RUNAWAY):
        oracle.got[slot.told].append(min(begin for begin, _ in slot.spans))
    for sms in played.sms:
        if sms["to"] != RUNAWAY and ACCIDENT not in sms["content"]:
            sent = datetime.fromisoformat(sms["at"]).timestamp()
            oracle.note_message(at=sent, to=sms["to"], subject=sms["subject"], text=sms["content"])
    for run in played.runs:
        oracle.note_run(run)
    lives = [life for life in played.lives if life.versions[0].phone != RUNAWAY]
    found = oracle.judge(lives, until=until.timestamp())
    yield from (f"twice: {line}" for line in found.duplicates)
    yield from (f"late or lost: {line}" for line in found.misses)
    yield from (f"wrong: {line}" for line in found.wrong)
    yield from (f"never named: {line}" for line in found.unexplained)
    yield from _beyond_caps(played)
    aliases = {store_id: store["alias"] for store_id, store in stores.items()}
    for silence in played.silences:
        for sms in played.sms:
            at = datetime.fromisoformat(sms["at"])
            mine = sms["subject"].endswith(aliases[silence.store_id])
            if mine and silence.since < at < silence.until:
                yield f"{at:%H:%M} sent for a store that is paused or stopped: {sms['subject']}"


def _beyond_caps(played: Played) -> Iterator[str]:
    runaway = sum(sms["to"] == RUNAWAY for sms in played.sms)
    if runaway > MOST_TO_RUNAWAY:
        yield f"{runaway} messages to one phone, whose cap is 2"
    accident = sum(ACCIDENT in sms["content"] for sms in played.sms)
    if accident > MOST_BY_ACCIDENT:
        yield f"{accident} messages by a rule that owes everybody something"
