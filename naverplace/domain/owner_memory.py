"""What the owner has been told, and what is left to tell: one item, whoever tells.

Holds no phone, name or text of a customer. Times are kept in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from naverplace.domain.troubles import Trouble, TroubleKind

Moment = Annotated[
    AwareDatetime, PlainSerializer(lambda at: at.astimezone(UTC).isoformat(), when_used="json")
]
MOST = 2000  # of each list: an item of DynamoDB holds 400 KB


class Standing(BaseModel):
    """A trouble whose beginning was told."""

    model_config = ConfigDict(frozen=True)

    kind: TroubleKind
    subject: str
    name: str = ""
    told: Moment
    reminded: bool = False
    over: Moment | None = None  # its end was told; kept for an hour, in case that it comes back

    def as_trouble(self) -> Trouble:
        """Give the trouble, without the details of the moment."""
        return Trouble(self.kind, self.subject, self.name)


class Balance(BaseModel):
    """Messages of a span of time: owed are accepted, expired, not needed any more, or waiting."""

    model_config = ConfigDict(frozen=True)

    since: Moment | None = None
    owed: int = 0  # with those that were waiting at the beginning
    accepted: int = 0
    expired: int = 0
    withdrawn: int = 0  # cancelled, moved, or sent by somebody else
    delivered: int = 0
    failed: int = 0
    sent: Mapping[str, int] = Field(default_factory=dict)  # accepted, by "store kind"
    types: Mapping[str, int] = Field(default_factory=dict)  # accepted, by SMS or LMS; "": unknown
    opted_out: tuple[str, ...] = ()  # "booking rule" of advertisements that a phone has refused
    forecast: Mapping[str, int] = Field(default_factory=dict)  # how good the last one was


class OwnerMemory(BaseModel):
    """What is remembered between runs and jobs about telling the owner."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int = 0
    teller: str = ""  # who is telling now, until `telling_until`
    telling_until: Moment | None = None
    standing: Mapping[str, Standing] = Field(default_factory=dict)  # by key of the trouble
    events: Mapping[str, Moment] = Field(default_factory=dict)  # by key; when last seen
    counted_runs: Mapping[str, Moment] = Field(default_factory=dict)  # in the balance
    waiting: tuple[str, ...] = ()  # messages owed and not accepted: "booking kind"
    unsaid: Mapping[str, int] = Field(default_factory=dict)  # accepted since the last summary
    unsaid_since: Moment | None = None
    summary_at: Moment | None = None
    day: Balance = Balance()  # since the last digest
    month: Balance = Balance()  # of this Korean month: its types, and since when they are counted

    def merged_with(self, other: Self) -> Self:
        """Add what another memory was told meanwhile; the balance stays this one's."""
        return self.model_copy(
            update={
                "standing": {**self.standing, **other.standing},
                "events": {**self.events, **other.events},
            }
        )
