"""DynamoDB's typed form read and written as boto3 does, but fast: a year has a million items.

A test holds both to boto3's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any
from unittest.mock import patch

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer


class Reader(TypeDeserializer):
    """Reads a typed value."""

    def deserialize(self, value: Any) -> Any:
        """Read one value; whatever is rare is left to boto3."""
        ((kind, inside),) = value.items()
        read = _READ.get(kind)
        return read(inside) if read else super().deserialize(value)


class Writer(TypeSerializer):
    """Writes a plain value in the typed form."""

    def serialize(self, value: Any) -> Any:
        """Write one value; whatever is rare is left to boto3."""
        write = _WRITE.get(type(value))
        if write:
            return write(value)
        if isinstance(value, Enum) and isinstance(value, str):
            return {"S": str(value)}
        return super().serialize(value)


_reader, _writer = Reader(), Writer()
_number = lru_cache(1 << 16)(Decimal)


def _read_map(inside: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    found = {}
    for name, part in inside.items():
        for kind, held in part.items():  # one, and asking for it in turn is the fastest way
            if kind in ("S", "BOOL"):
                found[name] = held
            else:
                found[name] = _number(held) if kind == "N" else _reader.deserialize(part)
    return found


def _read_list(inside: Sequence[Mapping[str, Any]]) -> list[Any]:
    return [
        held
        if kind in ("S", "BOOL")
        else (_number(held) if kind == "N" else _reader.deserialize(part))
        for part in inside
        for kind, held in part.items()
    ]


_READ: dict[str, Callable[[Any], Any]] = {
    "S": lambda inside: inside,
    "BOOL": lambda inside: inside,
    "N": _number,
    "L": _read_list,
    "M": _read_map,
}
_WRITE: dict[type, Callable[[Any], dict[str, Any]]] = {
    str: lambda value: {"S": value},
    bool: lambda value: {"BOOL": value},
    int: lambda value: {"N": str(value)},
    Decimal: lambda value: {"N": str(value)},
    list: lambda value: {"L": [_writer.serialize(part) for part in value]},
    dict: lambda value: {"M": {name: _writer.serialize(part) for name, part in value.items()}},
}


@contextmanager
def quick_types() -> Iterator[None]:
    """Let the library read and write items by these."""
    with (
        patch("naverplace.aws.dynamodb._deserializer", _reader),
        patch("naverplace.aws.dynamodb._serializer", _writer),
    ):
        yield
