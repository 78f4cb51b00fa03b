"""The files of a journal, read with the memory of one block."""

from __future__ import annotations

import fcntl
import os
import pathlib
import re
import struct
from dataclasses import dataclass
from typing import BinaryIO, Iterator, Optional, Union

from .._proto.assay.v1 import audit_pb2
from ._checksum import crc32c
from ._format import (
    BLOCK_HEADER,
    BLOCK_MAGIC,
    KIND_REPAIR,
    PROOF_ENTRY,
    SEGMENT_HEADER,
    BlockHeader,
    CleanMarker,
    JournalError,
    ProofEntry,
    SegmentHeader,
    parse_identity,
)
from ._lz4 import decompress

_SEARCH_BYTES = 1 << 20
_SEGMENT_NAME = re.compile(r"[0-9]{20}\.journal")
PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class Block:
    """A block whose header and checksum are good."""

    header: BlockHeader
    offset: int
    payload: bytes

    @property
    def end(self) -> int:
        return self.offset + BLOCK_HEADER + len(self.payload)

    @property
    def has_good_hash(self) -> bool:
        return self.header.hash_of(self.payload) == self.header.hash

    def records(self) -> Optional[list[bytes]]:
        """The encoded records; None when the payload is not what the header says."""
        header = self.header
        raw: Optional[bytes] = self.payload if header.codec == 0 else decompress(self.payload, header.raw_bytes)
        if raw is None:
            return None
        records, at = [], 0
        for _ in range(header.records):
            if at + 4 > len(raw):
                return None
            size = struct.unpack_from("<I", raw, at)[0]
            at += 4 + size
            if at > len(raw):
                return None
            records.append(raw[at - size : at])
        return records if at == len(raw) else None

    @property
    def successor_hash(self) -> Optional[bytes]:
        """What the next block names as its predecessor; None: a repair that can not be read."""
        if self.header.kind != KIND_REPAIR:
            return self.header.hash
        records = self.records()
        record = records and parse_record(records[0])
        return record.void_range.chain if record and len(record.void_range.chain) == 32 else None


def parse_record(data: bytes) -> Optional[audit_pb2.AuditRecord]:
    record = audit_pb2.AuditRecord()
    try:
        record.ParseFromString(data)
    except Exception:  # DecodeError, or ValueError of older runtimes
        return None
    return record


class Segment:
    """One open segment file."""

    def __init__(self, directory: pathlib.Path, first: int) -> None:
        self.first = first
        self.name = f"{first:020}.journal"
        self._file: BinaryIO = (directory / self.name).open("rb", buffering=0)

    def __enter__(self) -> "Segment":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def read(self, offset: int, count: int) -> bytes:
        return os.pread(self._file.fileno(), count, offset)

    def header(self) -> Optional[SegmentHeader]:
        return SegmentHeader.parse(self.read(0, SEGMENT_HEADER))

    def block_header(self, offset: int) -> Optional[BlockHeader]:
        return BlockHeader.parse(self.read(offset, BLOCK_HEADER))

    def block(self, offset: int) -> Union[Block, str]:
        """The block at a place, or why there is none: `end`, `incomplete`, `header`, `checksum`."""
        data = self.read(offset, BLOCK_HEADER)
        if not data:
            return "end"
        if len(data) < BLOCK_HEADER:
            return "incomplete"
        header = BlockHeader.parse(data)
        if header is None:
            return "header"
        payload = self.read(offset + BLOCK_HEADER, header.stored_bytes)
        if len(payload) < header.stored_bytes:
            return "incomplete"
        if crc32c(payload) != header.checksum:
            return "checksum"
        return Block(header, offset, payload)

    def next_good(self, offset: int) -> Optional[int]:
        """The next place after `offset` where a good block begins, with any alignment."""
        start = offset + 1
        while True:
            window = self.read(start, _SEARCH_BYTES + 3)
            at = window.find(BLOCK_MAGIC)
            while at >= 0:
                block = self.block(start + at)
                if isinstance(block, Block) and block.has_good_hash:
                    return start + at
                at = window.find(BLOCK_MAGIC, at + 1)
            if len(window) < _SEARCH_BYTES + 3:
                return None
            start += _SEARCH_BYTES


class Directory:
    """A journal's directory."""

    def __init__(self, path: PathLike) -> None:
        self.path = pathlib.Path(path)
        try:
            self.identity = parse_identity((self.path / "identity").read_bytes())
        except OSError as error:
            raise JournalError(f"{self.path} holds no journal: {error}") from error

    def segments(self) -> list[int]:
        """First numbers of the segments, ascending."""
        return sorted(int(name[:20]) for name in os.listdir(self.path) if _SEGMENT_NAME.fullmatch(name))

    def segment(self, first: int) -> Segment:
        return Segment(self.path, first)

    def clean_marker(self) -> Optional[CleanMarker]:
        try:
            return CleanMarker.parse((self.path / "clean").read_bytes())
        except OSError:
            return None

    def is_live(self) -> bool:
        """Whether a server holds the journal's lock."""
        try:
            with (self.path / "lock").open("rb") as file:
                # struct flock of 64-bit Linux: is there an open-file-description write lock on any of it?
                asked = struct.pack("hh4xqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
                answer = fcntl.fcntl(file.fileno(), getattr(fcntl, "F_OFD_GETLK", 36), asked)
                return bool(struct.unpack("hh4xqqi4x", answer)[0] != fcntl.F_UNLCK)
        except OSError:
            return False

    def proof_size(self) -> int:
        try:
            return (self.path / "proof").stat().st_size
        except OSError:
            return 0

    def proof(self, size: int) -> Iterator[tuple[int, Optional[ProofEntry]]]:
        """Offset and entry (None: unreadable) of each whole entry in the first `size` bytes."""
        if size == 0:
            return
        with (self.path / "proof").open("rb") as file:
            for offset in range(0, size - PROOF_ENTRY + 1, PROOF_ENTRY):
                yield offset, ProofEntry.parse(file.read(PROOF_ENTRY))

    def blocks(self, from_sequence: int = 1) -> Iterator[Union[Block, "Unreadable"]]:
        """Good blocks that hold `from_sequence` or later numbers, in the order of the files, and the places that can not be read."""
        segments = self.segments()
        begin = max((first for first in segments if first <= from_sequence), default=0)
        for first in segments:
            if first < begin:
                continue
            with self.segment(first) as segment:
                offset = SEGMENT_HEADER
                while True:
                    header = segment.block_header(offset)
                    if header and header.last < from_sequence and offset + BLOCK_HEADER + header.stored_bytes <= segment.size:
                        offset += BLOCK_HEADER + header.stored_bytes
                        continue
                    block = segment.block(offset)
                    if isinstance(block, Block):
                        yield block
                        offset = block.end
                        continue
                    following = None if block == "end" else segment.next_good(offset)
                    if block != "end" and (following is not None or first != segments[-1]):
                        yield Unreadable(segment.name, offset)
                    if following is None:
                        break
                    offset = following


@dataclass(frozen=True)
class Unreadable:
    segment: str
    offset: int
