"""Reserving flags of table `sms`, so that a legacy beside us leaves their messages to us."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from naverplace.aws.dynamodb import failed_condition, to_wire, translated
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_kinds import FLAGS, KINDS
from naverplace.domain.records import KEEPER, RESERVED, Record, attribute, reserved_since
from naverplace.ledger.records_table import EXISTS, RecordsTable
from naverplace.ledger.reservations import reserved_values, sortable_timestamp


class ReservationsTable(RecordsTable):
    """The moves of a reserved flag, each on the condition that it is as it was seen."""

    def reserve(
        self, key: RecordKey, flags: Sequence[str], *, since: datetime, item: Mapping[str, Any]
    ) -> bool:
        """Reserve unset flags, of a new record when `item` is given.

        Tells False, with nothing changed, when the legacy was faster.
        """
        values = reserved_values(flags, since)
        if item:
            return self.create({**item, **values})
        names = {f"#n{at}": name for at, name in enumerate(values)}
        unset = [
            f"(attribute_not_exists(#n{at}) OR #n{at} = :unset)"
            for at, name in enumerate(values)
            if name in FLAGS
        ]
        sets = ", ".join(f"{name} = :v{name[2:]}" for name in names)
        given = {f":v{at}": value for at, value in enumerate(values.values())}
        old = self._update(
            key,
            f"SET {sets}",
            " AND ".join([EXISTS, *unset]),
            names=names,
            values={**given, ":unset": False},
        )
        # Our own first try, whose answer was lost.
        mine = old is not None and all(old.get(name) == value for name, value in values.items())
        return self._count(old is None or mine)

    def reserve_later(
        self, key: RecordKey, flags: Sequence[str], *, seen: datetime, since: datetime
    ) -> None:
        """Let our own reservation count from a later moment: writing it took long."""
        for flag in flags:
            names = {"#flag": flag, "#since": reserved_since(flag)}
            values = {
                ":reserved": RESERVED,
                ":seen": sortable_timestamp(seen),
                ":since": sortable_timestamp(since),
            }
            condition = "#flag = :reserved AND #since = :seen"
            self._update(key, "SET #since = :since", condition, names=names, values=values)

    def cancel(self, record: Record, flags: Collection[str]) -> bool:
        """Take reservations back: the flags are unset again, for whoever reads them.

        Tells False when one of them is not as it was seen.
        """
        names, values = _as_seen(record, flags)
        condition = " AND ".join(f"#f{at} = :f{at} AND #s{at} = :s{at}" for at in range(len(flags)))
        update = "SET " + ", ".join(f"#f{at} = :unset" for at in range(len(flags)))
        update += " REMOVE " + ", ".join(f"#s{at}" for at in range(len(flags)))
        values |= {":unset": False}
        old = self._update(record.key, update, condition, names=names, values=values)
        done = old is not None and all(old.get(flag) is False for flag in flags)
        return self._count(old is None or done)

    def delete_unsent(self, record: Record) -> bool:
        """Delete a record on which nothing was ever sent; False when it is not as it was seen."""
        names, values = _as_seen(record, record.reserved)
        conditions = [f"#f{at} = :f{at} AND #s{at} = :s{at}" for at in range(len(record.reserved))]
        kinds = dict.fromkeys((*KINDS, *record.messages))
        for at, kind in enumerate(kinds):
            names[f"#m{at}"] = attribute(kind)
            if entry := record.messages.get(kind):
                names |= {"#token": "token", "#state": "state"}
                values |= {f":t{at}": entry.token, f":m{at}": str(entry.state)}
                conditions.append(f"#m{at}.#token = :t{at} AND #m{at}.#state = :m{at}")
            else:
                conditions.append(f"attribute_not_exists(#m{at})")
        try:
            with translated(self.name):
                self.client.delete_item(
                    TableName=self.name,
                    Key=to_wire(record.key._asdict()),
                    ConditionExpression=" AND ".join(conditions),
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=to_wire(values),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            return self._count(failed_condition(error) is None)
        return self._count(True)

    def delete_marker(self, key: RecordKey) -> None:
        """Delete an item that is no booking's. Raises Transient, Permanent."""
        with translated(self.name):
            self.client.delete_item(TableName=self.name, Key=to_wire(key._asdict()))


def _as_seen(record: Record, flags: Collection[str]) -> tuple[dict[str, str], dict[str, Any]]:
    """Name flags and their stamps, with what they must still hold."""
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    for at, flag in enumerate(flags):
        names |= {f"#f{at}": flag, f"#s{at}": reserved_since(flag)}
        values |= {f":f{at}": RESERVED, f":s{at}": record.reserved[flag]}
    return names, values


def keeper(store_id: str, booking_time: str) -> dict[str, Any]:
    """Make an item that keeps the legacy reading completed bookings after this store.

    Without any item whose event is open, it reads none of the later stores either (L8). Nothing is
    ever sent for it: no booking has its number.
    """
    return {
        "booking_num": keeper_key(store_id).booking_num,
        "phone": keeper_key(store_id).phone,
        "booking_time": booking_time,
        **dict.fromkeys(FLAGS, False),
        "option_time": "",
    }


def keeper_key(store_id: str) -> RecordKey:
    """Name that item."""
    return RecordKey(f"{store_id}_0", KEEPER)
