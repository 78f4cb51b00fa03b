"""Frames: one flag byte, four bytes big-endian payload length, the payload. No sockets here: bytes in, payloads out."""

from __future__ import annotations

import struct
from typing import List

from .errors import CompressedFrame, ProtocolError

HEADER_BYTE_COUNT = 5
FLAG_LZ4 = 0x01

# The longest reply accepted, whatever the server says about itself: keeps a wrong or hostile peer from filling the memory.
FRAME_BYTE_COUNT_MAX = 64 << 20

# Before Hello has told the server's limit, nothing but Hello's own small reply is expected.
HELLO_BYTE_COUNT_MAX = 64 << 10

_HEADER = struct.Struct(">BI")


def encode_frame(payload: bytes) -> bytes:
    """The uncompressed frame that carries ``payload``."""
    return _HEADER.pack(0, len(payload)) + payload


class FrameDecoder:
    """Cuts a byte stream into payloads. Holds at most one frame of ``byte_count_max`` and what one read brought with it."""

    def __init__(self, byte_count_max: int = HELLO_BYTE_COUNT_MAX) -> None:
        self.byte_count_max = byte_count_max
        self._buffer = bytearray()

    @property
    def pending_byte_count(self) -> int:
        """Bytes of a frame that has begun and not ended."""
        return len(self._buffer)

    def feed(self, data: bytes) -> List[bytes]:
        """All payloads that are complete with ``data``. Raises ProtocolError on a header that breaks the contract."""
        buffer = self._buffer
        buffer += data
        payloads: List[bytes] = []
        offset = 0
        while len(buffer) - offset >= HEADER_BYTE_COUNT:
            flags, byte_count = _HEADER.unpack_from(buffer, offset)
            self._check(flags, byte_count)
            end = offset + HEADER_BYTE_COUNT + byte_count
            if len(buffer) < end:
                break
            payloads.append(bytes(buffer[offset + HEADER_BYTE_COUNT:end]))
            offset = end
        del buffer[:offset]
        return payloads

    def _check(self, flags: int, byte_count: int) -> None:
        if flags & ~FLAG_LZ4:
            raise ProtocolError(f"frame with unknown flags 0x{flags:02x}", reason="BAD_FLAGS", maybe_executed=True)
        if byte_count > self.byte_count_max:
            raise ProtocolError(
                f"frame of {byte_count} bytes exceeds the limit of {self.byte_count_max}", reason="FRAME_TOO_LONG",
                maybe_executed=True,
            )
        if flags & FLAG_LZ4:
            raise CompressedFrame(
                "the peer compressed a reply although this client does not accept LZ4", reason="COMPRESSED_FRAME",
                maybe_executed=True,
            )
