"""Kinds of settings that must be right before anything is called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import NoDecode

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HOST = re.compile(r"[a-z0-9_.-]+|[0-9a-f:.]+")  # a name, or an address of either kind
_SHAPE = "must be a URL like https://host"


def _url(value: str, *, query: bool = False) -> str:
    """Take http only on loopback: elsewhere a secret would cross the network in the clear."""
    # Blanks and backslashes are read differently by different libraries: one host for us here, and
    # another one for who calls it.
    if not value.isascii() or not value.isprintable() or " " in value or "\\" in value:
        raise ValueError(f"{_SHAPE}, without blanks and odd signs")
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(_SHAPE) from None  # its own words would quote what may be a secret
    if parts.scheme not in ("http", "https") or not host or not _HOST.fullmatch(host):
        raise ValueError(_SHAPE)
    if "@" in parts.netloc:
        raise ValueError("must hold no user name or password")
    if parts.fragment or (parts.query and not query):
        raise ValueError("must end with its path, without ? or #")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise ValueError("must be https; plain http is for loopback only")
    return parts._replace(netloc=parts.netloc.lower()).geturl().rstrip("/")


def _digits(value: str) -> str:
    digits = value.replace("-", "").replace(" ", "")
    if not (digits.isascii() and digits.isdigit() and 8 <= len(digits) <= 12):
        raise ValueError("must be a phone number of 8 to 12 digits, with hyphens or without")
    return digits


def _secret_url(value: SecretStr) -> SecretStr:
    _url(value.get_secret_value(), query=True)
    return value


def _kept_well(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.strip():
        raise ValueError("must not be blank")
    # A line end that came along when the secret was stored fails later, as a wrong password.
    if text != text.strip():
        raise ValueError("must not begin or end with a blank or a line end")
    return value


def _listed(value: object) -> object:
    if isinstance(value, str | int):
        return re.sub(r"""[\[\]"',]""", " ", str(value)).split()
    return value


def _link(value: str) -> str:
    return _url(value)


Url = Annotated[str, AfterValidator(_url)]  # that we call
Link = Annotated[str, AfterValidator(_link)]  # that only a person follows
Digits = Annotated[str, AfterValidator(_digits)]
SecretUrl = Annotated[SecretStr, AfterValidator(_secret_url)]
Secret = Annotated[SecretStr, AfterValidator(_kept_well)]


_MOST = {"seconds": 316_224_000, "minutes": 5_270_400, "hours": 87_840, "days": 3660}


def is_url(kind: Any, marks: Iterable[Any] = ()) -> bool:
    """Tell whether values of a type are URLs that we call; `marks` are a field's own metadata."""
    checks = {getattr(mark, "func", None) for mark in (*marks, *getattr(kind, "__metadata__", ()))}
    return bool(checks & {_url, _secret_url}) or any(is_url(part) for part in get_args(kind))


class Section(BaseModel):
    """A branch of the tree of settings: unknown names are errors, and no value is quoted in one.

    The text below a field is its description.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    @field_validator("*")
    @classmethod
    def _within_ten_years(cls, value: object, info: ValidationInfo) -> object:
        """Refuse a time that no calendar holds: the run would break off where it is added."""
        unit = str(info.field_name).rpartition("_")[2]
        most = _MOST.get(unit, _MOST["seconds"])
        if isinstance(value, int | float) and abs(value) > most:
            raise ValueError(f"must be at most {most}")
        return value


StoreId = Annotated[str, Field(pattern=r"^[1-9][0-9]*$", coerce_numbers_to_str=True)]
# NoDecode: else text that is no JSON breaks off with an error that names no variable.
StoreIds = Annotated[tuple[StoreId, ...], NoDecode, BeforeValidator(_listed)]
Senders = Annotated[tuple[Digits, ...], NoDecode, BeforeValidator(_listed)]
