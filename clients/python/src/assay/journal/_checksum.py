"""CRC-32C (Castagnoli), with google-crc32c where it is installed."""

from __future__ import annotations

from typing import Callable


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _table()


def slow_crc32c(data: bytes) -> int:
    """The definition, byte by byte; some 10 MB/s."""
    table, crc = _TABLE, 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _fastest() -> Callable[[bytes], int]:
    try:
        import google_crc32c
    except ImportError:
        return slow_crc32c
    value: Callable[[bytes], int] = google_crc32c.value
    return value


crc32c = _fastest()
