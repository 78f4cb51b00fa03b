"""The byte tables of docs/JOURNAL.md."""

from __future__ import annotations

import hashlib
import struct
import uuid
from dataclasses import dataclass
from typing import Optional

from ._checksum import crc32c

SEGMENT_HEADER = 128
BLOCK_HEADER = 128
PROOF_ENTRY = 256
BLOCK_BYTES_MAX = 10 << 20
BLOCK_MAGIC = b"ASJB"

KIND_RECORDS, KIND_VOID, KIND_REPAIR = 0, 1, 2
CHECKPOINT, RETIREMENT, REPAIR, GAP = 1, 2, 3, 4


class JournalError(Exception):
    """The directory holds no journal that this reader knows."""


def _sealed(data: bytes, size: int, magic: bytes) -> bool:
    """Whether these are `size` bytes that begin with the magic and end with the checksum of the others."""
    return len(data) == size and data[:4] == magic and struct.unpack_from("<I", data, size - 4)[0] == crc32c(data[: size - 4])


def parse_identity(data: bytes) -> bytes:
    if not _sealed(data, 28, b"ASJI"):
        raise JournalError("the file identity is damaged")
    if struct.unpack_from("<I", data, 4)[0] != 1:
        raise JournalError("the journal has a format that this reader does not know")
    return data[8:24]


def genesis(identity: bytes) -> bytes:
    return hashlib.sha256(b"assay journal " + identity).digest()


def proof_genesis(identity: bytes) -> bytes:
    return hashlib.sha256(b"assay proof " + identity).digest()


def identity_text(identity: bytes) -> str:
    return str(uuid.UUID(bytes=identity))


@dataclass(frozen=True)
class CleanMarker:
    next: int
    hash: bytes

    @staticmethod
    def parse(data: bytes) -> Optional["CleanMarker"]:
        if not _sealed(data, 52, b"ASJC"):
            return None
        return CleanMarker(struct.unpack_from("<Q", data, 8)[0], data[16:48])


@dataclass(frozen=True)
class SegmentHeader:
    identity: bytes
    first: int
    previous: bytes
    time_ns: int

    @staticmethod
    def parse(data: bytes) -> Optional["SegmentHeader"]:
        if not _sealed(data, SEGMENT_HEADER, b"ASJS") or any(data[72:124]):
            return None
        version, identity, first, previous, time_ns = struct.unpack_from("<I16sQ32sq", data, 4)
        return SegmentHeader(identity, first, previous, time_ns) if version == 1 and first > 0 else None


@dataclass(frozen=True)
class BlockHeader:
    data: bytes
    codec: int
    kind: int
    first: int
    last: int
    records: int
    raw_bytes: int
    stored_bytes: int
    checksum: int
    time_ns: int
    previous: bytes
    hash: bytes

    @staticmethod
    def parse(data: bytes) -> Optional["BlockHeader"]:
        if not _sealed(data, BLOCK_HEADER, BLOCK_MAGIC) or any(data[112:124]):
            return None
        version, *fields = struct.unpack_from("<HBBQQIIIIq32s32s", data, 4)
        header = BlockHeader(data, *fields)
        return header if version == 1 and header._holds_together() else None

    def _holds_together(self) -> bool:
        if self.codec not in (0, 1) or self.kind not in (KIND_RECORDS, KIND_VOID, KIND_REPAIR):
            return False
        if not 0 < self.first <= self.last or not 0 < self.records <= self.raw_bytes // 4:
            return False
        if not 0 < self.stored_bytes <= self.raw_bytes <= BLOCK_BYTES_MAX:
            return False
        if self.codec == 0 and self.stored_bytes != self.raw_bytes:
            return False
        return self.records == (self.last - self.first + 1 if self.kind == KIND_RECORDS else 1)

    def hash_of(self, payload: bytes) -> bytes:
        return hashlib.sha256(self.data[:80] + payload).digest()


@dataclass(frozen=True)
class ProofEntry:
    data: bytes
    kind: int
    signed: bool
    identity: bytes
    index: int
    time_ns: int
    segment: int
    sequence: int
    count: int
    hash: bytes
    previous: bytes
    key: bytes

    @staticmethod
    def parse(data: bytes) -> Optional["ProofEntry"]:
        if not _sealed(data, PROOF_ENTRY, b"ASJP"):
            return None
        version, kind, signed, *fields = struct.unpack_from("<HBB16sQqQQQ32s32s32s", data, 4)
        if version != 1 or kind not in (CHECKPOINT, RETIREMENT, REPAIR, GAP) or signed not in (0, 1) or any(data[160:188]):
            return None
        if not signed and any(data[128:252]):
            return None
        return ProofEntry(data, kind, bool(signed), *fields)

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.data).digest()

    @property
    def successor_hash(self) -> bytes:
        """What the next entry names as its predecessor."""
        return self.hash if self.kind == GAP else self.digest

    @property
    def successor_index(self) -> int:
        return (self.sequence + self.count if self.kind == GAP else self.index + 1) % (1 << 64)

    @property
    def signature(self) -> bytes:
        return self.data[188:252]

    @property
    def signed_bytes(self) -> bytes:
        return self.data[:188]
