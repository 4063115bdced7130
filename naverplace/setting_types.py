"""Kinds of settings that must be right before anything is called."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _url(value: str) -> str:
    """Take http only on loopback: elsewhere a secret would cross the network in the clear."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL like https://host")
    if parts.username or parts.password:
        raise ValueError("must hold no user name or password")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("must be https; plain http is for loopback only")
    return value.rstrip("/")


def _digits(value: str) -> str:
    digits = value.replace("-", "").replace(" ", "")
    if not digits.isdigit() or not 8 <= len(digits) <= 12:
        raise ValueError("must be a phone number of 8 to 12 digits")
    return digits


def _secret_url(value: SecretStr) -> SecretStr:
    _url(value.get_secret_value())
    return value


def _not_blank(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        raise ValueError("must not be blank")
    return value


Url = Annotated[str, AfterValidator(_url)]
Digits = Annotated[str, AfterValidator(_digits)]
SecretUrl = Annotated[SecretStr, AfterValidator(_secret_url)]
Secret = Annotated[SecretStr, AfterValidator(_not_blank)]
