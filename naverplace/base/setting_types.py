"""Kinds of settings that must be right before anything is called."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
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


Url = Annotated[str, AfterValidator(_url)]
Digits = Annotated[str, AfterValidator(_digits)]
SecretUrl = Annotated[SecretStr, AfterValidator(_secret_url)]
Secret = Annotated[SecretStr, AfterValidator(_kept_well)]


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


StoreId = Annotated[str, Field(pattern=r"^[1-9][0-9]*$", coerce_numbers_to_str=True)]
# NoDecode: else text that is no JSON breaks off with an error that names no variable.
StoreIds = Annotated[tuple[StoreId, ...], NoDecode, BeforeValidator(_listed)]
Senders = Annotated[tuple[Digits, ...], NoDecode, BeforeValidator(_listed)]
