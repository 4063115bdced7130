"""A picture for the captcha page, made of nothing but the standard library."""

from __future__ import annotations

import struct
import zlib

WIDTH, HEIGHT = 160, 48


def captcha_picture() -> bytes:
    """Draw a small grey PNG with stripes; a person reads the answer from the sandbox instead."""
    rows = b"".join(
        b"\x00" + bytes(200 if (x * 3 + y * 5) % 23 else 60 for x in range(WIDTH))
        for y in range(HEIGHT)
    )
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
