"""LZ4's block format, with the package lz4 where it is installed."""

from __future__ import annotations

from typing import Optional


def slow_decompress(data: bytes, size: int) -> Optional[bytes]:
    """`size` bytes out of one LZ4 block; None when the block is not whole or does not make exactly so many."""
    out = bytearray()
    at, end = 0, len(data)

    def length(first: int) -> Optional[int]:
        nonlocal at
        total = first
        while first == 15:
            if at >= end:
                return None
            byte = data[at]
            at += 1
            total += byte
            if byte != 255 or total > size + 255:
                break
        return total

    while at < end:
        token = data[at]
        at += 1
        literals = length(token >> 4)
        if literals is None or at + literals > end or len(out) + literals > size:
            return None
        out += data[at : at + literals]
        at += literals
        if at == end:
            # The last sequence has no match.
            return bytes(out) if len(out) == size and token & 15 == 0 else None
        if at + 2 > end:
            return None
        offset = data[at] | data[at + 1] << 8
        at += 2
        match = length(token & 15)
        if match is None or offset == 0 or offset > len(out) or len(out) + match + 4 > size:
            return None
        for _ in range(match + 4):
            out.append(out[-offset])
    return None


def decompress(data: bytes, size: int) -> Optional[bytes]:
    """The block's `size` bytes, or None."""
    try:
        import lz4.block
    except ImportError:
        return slow_decompress(data, size)
    try:
        raw: bytes = lz4.block.decompress(data, uncompressed_size=size)
    except Exception:  # lz4 raises its own error, or ValueError and OverflowError, by version
        return None
    return raw if len(raw) == size else None
