"""Whether a journal is what was written: docs/JOURNAL.md, "Verifying", and docs/PROOF.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterator, Optional, Sequence

from .._proto.assay.v1 import audit_pb2
from ._directory import Block, Directory, PathLike, Segment, parse_record
from ._format import (
    BLOCK_HEADER,
    CHECKPOINT,
    GAP,
    KIND_RECORDS,
    KIND_REPAIR,
    KIND_VOID,
    PROOF_ENTRY,
    REPAIR,
    RETIREMENT,
    SEGMENT_HEADER,
    BlockHeader,
    ProofEntry,
    genesis,
    identity_text,
    proof_genesis,
)
from ._signatures import PublicKey, can_check, checkpoint_line, has_good_signature, public_key

DAMAGES_MAX = 1000


@dataclass(frozen=True)
class Damage:
    """One thing that is wrong, and where."""

    #: A segment, or `proof`.
    file: str
    offset: int
    text: str
    #: First and last record concerned, as far as that is known.
    records: Optional[tuple[int, int]] = None

    def __str__(self) -> str:
        records = f", records {self.records[0]} to {self.records[1]}" if self.records else ""
        return f"{self.file} at byte {self.offset}{records}: {self.text}"


@dataclass
class Report:
    """What a journal holds and what is wrong with it."""

    journal: str
    is_live: bool = False
    closed_cleanly: bool = False
    segments: int = 0
    blocks: int = 0
    decisions: int = 0
    #: first, last and cause of each range of numbers without a decision
    voids: list[tuple[int, int, int]] = field(default_factory=list)
    first_sequence: Optional[int] = None
    last_sequence: Optional[int] = None
    checkpoints: int = 0
    checkpoint_sequence: Optional[int] = None
    retired_through: Optional[int] = None
    keys: list[str] = field(default_factory=list)
    #: The first thousand.
    damages: list[Damage] = field(default_factory=list)
    damage_count: int = 0
    #: What was not, or can not be, known.
    not_known: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.damage_count == 0


def verify(path: PathLike, *, public_keys: Sequence[PublicKey] = (), checkpoints: Sequence[str] = ()) -> Report:
    """Reads a whole journal with the memory of one block.

    `public_keys`: those that must have signed (PEM files or 32 bytes); `checkpoints`: lines that were kept elsewhere."""
    trusted = [public_key(key) for key in public_keys]
    outside = [checkpoint_line(line) for line in checkpoints]
    directory = Directory(path)
    for attempt in range(5):
        try:
            return _Verifier(directory, trusted, outside).run(last_attempt=attempt == 4)
        except FileNotFoundError:
            # A running server retires segments between being listed and being read.
            if attempt == 4 or not directory.is_live():
                raise
    raise AssertionError("the loop returns or raises")


class _Verifier:
    def __init__(self, directory: Directory, trusted: list[bytes], outside: list[ProofEntry]) -> None:
        self.directory = directory
        self.trusted = trusted
        self.report = Report(identity_text(directory.identity), is_live=directory.is_live())
        self.marker = None if self.report.is_live else directory.clean_marker()
        self.report.closed_cleanly = self.marker is not None
        self.proof_size = directory.proof_size()
        self.retirement: Optional[ProofEntry] = None
        self.repairs: dict[bytes, ProofEntry] = {}
        self.repairs_met: set[bytes] = set()
        self.unchecked_signatures = False
        self.kept_elsewhere = self._check_proof(outside)
        self.waiting = self._checkpoints()
        self.checkpoint = next(self.waiting, None)
        self.contradicted = False
        # What the next block must be; None: what stands before it can not be read.
        self.hash: Optional[bytes] = None
        self.next: Optional[int] = None

    def note(self, file: str, offset: int, text: str, records: Optional[tuple[int, int]] = None) -> None:
        self.report.damage_count += 1
        if len(self.report.damages) < DAMAGES_MAX:
            self.report.damages.append(Damage(file, offset, text, records))

    # -- The proof

    def _is_proven(self, entry: ProofEntry) -> bool:
        if entry.identity != self.directory.identity or has_good_signature(entry) is False:
            return False
        return not self.trusted or entry.key in self.trusted

    def _check_proof(self, outside: list[ProofEntry]) -> list[ProofEntry]:
        """Checks the entries by themselves; returns the checkpoints that were kept elsewhere and are not among them."""
        expected: Optional[bytes] = proof_genesis(self.directory.identity)
        index, proven, signed_before = 0, 0, False
        missing = {entry.data: entry for entry in outside}
        for offset, entry in self.directory.proof(self.proof_size):
            if entry is None:
                self.note("proof", offset, "the entry can not be read")
                expected, index = None, index + 1
                continue
            if entry.index != index or (expected is not None and entry.previous != expected):
                self.note("proof", offset, f"entry {entry.index} does not follow what stands before it")
            signed_before = self._check_entry(entry, offset, signed_before)
            missing.pop(entry.data, None)
            proven += entry.kind == CHECKPOINT and self._is_proven(entry)
            expected, index = entry.successor_hash, entry.successor_index
        rest = self.proof_size % PROOF_ENTRY
        if rest and not self.report.is_live:
            self.note("proof", self.proof_size - rest, f"the last {rest} bytes are an unfinished entry")
        for entry in missing.values():
            self._check_entry(entry, self.proof_size, signed_before)
            self.note("proof", self.proof_size, f"checkpoint {entry.index}, which was kept elsewhere, is not in the proof")
        if self.trusted and not proven:
            self.note("proof", self.proof_size, "there is no signed checkpoint, though a key was given")
        return sorted((entry for entry in missing.values() if self._is_proven(entry)), key=lambda entry: entry.sequence)

    def _check_entry(self, entry: ProofEntry, offset: int, signed_before: bool) -> bool:
        """Notes what is wrong with one entry; returns whether one was signed so far."""
        if entry.identity != self.directory.identity:
            self.note("proof", offset, "the entry belongs to another journal")
            return signed_before
        if entry.signed:
            good = has_good_signature(entry)
            if good is False:
                self.note("proof", offset, "the signature is forged, or the entry was altered")
                return signed_before
            self.unchecked_signatures |= good is None
            if entry.key.hex() not in self.report.keys:
                self.report.keys.append(entry.key.hex())
            if self.trusted and entry.key not in self.trusted:
                self.note("proof", offset, f"the entry is signed with key {entry.key.hex()}, which is not one of those given")
                return signed_before
            signed_before = True
        elif entry.kind == CHECKPOINT or (signed_before and self.trusted):
            self.note("proof", offset, "the entry is not signed")
        if entry.kind == RETIREMENT:
            self.retirement = entry
            self.report.retired_through = entry.sequence
        elif entry.kind == REPAIR:
            self.repairs[entry.hash] = entry
        elif entry.kind == GAP:
            self.report.not_known.append(f"{entry.count} entries of the proof from {entry.sequence} on were damaged and repaired")
        return signed_before

    def _checkpoints(self) -> Iterator[ProofEntry]:
        """Checkpoints that are believed, by their last record."""
        kept = list(self.kept_elsewhere)
        for _, entry in self.directory.proof(self.proof_size):
            if entry is not None and entry.kind == CHECKPOINT and self._is_proven(entry):
                while kept and kept[0].sequence < entry.sequence:
                    yield kept.pop(0)
                yield entry
        yield from kept

    def _hold_against(self, first: int, last: int, end_hash: Optional[bytes], name: str, offset: int) -> None:
        """Holds the checkpoints for these records against the hash of the block that ends them; None: a repair stands there."""
        while self.checkpoint is not None and self.checkpoint.sequence <= last:
            entry, self.checkpoint = self.checkpoint, next(self.waiting, None)
            if entry.sequence < first:
                continue
            fits = end_hash is None or (entry.sequence == last and entry.hash == end_hash)
            if not fits and not self.contradicted:
                begin = (self.report.checkpoint_sequence or 0) + 1
                text = f"the blocks since the checkpoint before are not those that checkpoint {entry.index} covers: they were rewritten"
                self.note(name, offset, text, (min(begin, entry.sequence), entry.sequence))
            self.contradicted = not fits
            if fits and end_hash is not None:
                self.report.checkpoints += 1
                self.report.checkpoint_sequence = entry.sequence

    # -- The segments

    def run(self, last_attempt: bool) -> Report:
        segments = self.directory.segments()
        begins = self.retirement.segment if self.retirement else 1
        if segments and segments[0] > begins:
            if self.report.is_live and not last_attempt:
                raise FileNotFoundError(segments[0])
            self.note(f"{segments[0]:020}.journal", 0, f"the journal should begin with record {begins}", (begins, segments[0] - 1))
        for first in segments:
            with self.directory.segment(first) as segment:
                self._segment(segment, first == segments[0], first == segments[-1])
        self._end(f"{segments[-1] if segments else 1:020}.journal")
        return self.report

    def _segment(self, segment: Segment, is_first: bool, is_last: bool) -> None:
        self.report.segments += 1
        self._segment_header(segment, is_first)
        offset, begins = SEGMENT_HEADER, True
        while True:
            block = segment.block(offset)
            if isinstance(block, Block):
                if begins and block.header.first != segment.first:
                    self.note(segment.name, offset, f"the segment begins with record {block.header.first}")
                begins = False
                self._block(segment.name, block)
                offset = block.end
            elif block == "end":
                return
            else:
                following = self._unreadable(segment, offset, block, is_last)
                if following is None:
                    return
                offset = following

    def _segment_header(self, segment: Segment, is_first: bool) -> None:
        header = segment.header()
        if header is None:
            self.note(segment.name, 0, "the segment's header is damaged")
            if is_first:
                self.next = segment.first
            return
        if header.identity != self.directory.identity:
            self.note(segment.name, 0, "the segment belongs to another journal")
        if header.first != segment.first:
            self.note(segment.name, 0, f"the segment is that of record {header.first}")
        if not is_first:
            if self.hash is not None and header.previous != self.hash:
                self.note(segment.name, 0, "the segment does not follow the block before it")
            return
        if segment.first == 1:
            if header.previous != genesis(self.directory.identity):
                self.note(segment.name, 0, "the journal does not begin with its genesis")
        else:
            self._hold_against(segment.first - 1, segment.first - 1, header.previous, segment.name, 0)
        if self.retirement and self.retirement.segment == segment.first and header.previous != self.retirement.hash:
            self.note(segment.name, 0, "the segment does not follow what was retired")
        self.hash, self.next = header.previous, segment.first

    def _block(self, name: str, block: Block) -> None:
        header, at = block.header, block.offset
        records = (header.first, header.last)
        if not block.has_good_hash:
            self.note(name, at, "the block was altered: its SHA-256 does not fit", records)
        if self.hash is not None and header.previous != self.hash:
            self.note(name, at, "the block does not follow the one before it: blocks were dropped, swapped, inserted or replaced", records)
        if self.next is not None and header.first != self.next:
            missing = (self.next, header.first - 1) if header.first > self.next else records
            self.note(name, at, f"record {self.next} should follow and {header.first} does", missing)
        self._records(name, block)
        if header.kind == KIND_REPAIR:
            self.repairs_met.add(header.hash)
            if header.hash not in self.repairs:
                self.note(name, at, "a repair stands here that the proof does not know", records)
        self._hold_against(*records, None if header.kind == KIND_REPAIR else header.hash, name, at)
        self.hash, self.next = block.successor_hash, header.last + 1
        if self.retirement and self.retirement.sequence == header.last and self.retirement.hash != self.hash:
            self.note(name, block.end, "what was retired ended with another block", records)
        self.report.blocks += 1
        if self.report.first_sequence is None:
            self.report.first_sequence = header.first
        self.report.last_sequence = header.last

    def _records(self, name: str, block: Block) -> None:
        header = block.header
        records = block.records()
        if records is None:
            return self.note(name, block.offset, "the block can not be taken apart into its records", (header.first, header.last))
        for sequence, data in enumerate(records, header.first):
            record = parse_record(data)
            if record is None or record.sequence != sequence or not _is_expected(record, header):
                self.note(name, block.offset, f"record {sequence} does not carry its own number", (sequence, sequence))
            elif header.kind == KIND_RECORDS:
                self.report.decisions += 1
            else:
                void = record.void_range
                self.report.voids.append((void.first, void.last, int(void.cause)))

    def _unreadable(self, segment: Segment, offset: int, why: str, is_last: bool) -> Optional[int]:
        """Notes a place without a good block; returns where the next one is."""
        following = segment.next_good(offset)
        if following is None and is_last and self.report.is_live:
            return None
        header = segment.block_header(offset)
        if why == "checksum" and header is not None:
            self.note(segment.name, offset, "the block's bytes are damaged: the checksum does not fit", (header.first, header.last))
            if header.previous == self.hash and header.first == self.next and header.kind != KIND_REPAIR:
                # Its header is whole and in its place, so the chain goes on from what it says, whatever comes there.
                self._hold_against(header.first, header.last, header.hash, segment.name, offset)
                self.hash, self.next = header.hash, header.last + 1
                return offset + BLOCK_HEADER + header.stored_bytes
        elif why == "incomplete" and following is None and is_last:
            self.note(segment.name, offset, f"the last {segment.size - offset} bytes are an unfinished block")
            return None
        else:
            self.note(segment.name, offset, "no block is readable here" + (f"; blocks go on at byte {following}" if following else ""))
        self.hash = self.next = None
        return following

    def _end(self, name: str) -> None:
        report = self.report
        last = report.last_sequence or 0
        found = self.next if self.next is not None else last + 1
        if self.marker:
            if self.marker.next != found:
                self.note(name, 0, f"the journal was closed before record {self.marker.next} and ends before {found}")
            elif self.marker.hash != (self.hash or genesis(self.directory.identity)):
                self.note(name, 0, "the journal was closed with another last block")
        newest = self.checkpoint
        for entry in self.waiting:
            newest = entry
        if newest is not None:
            text = f"the journal was cut: a checkpoint covers records up to {newest.sequence}, and the last one is {last}"
            self.note(name, 0, text, (min(last + 1, newest.sequence), newest.sequence))
        begins = self.retirement.segment if self.retirement else 1
        for block_hash, entry in self.repairs.items():
            if block_hash not in self.repairs_met and entry.sequence >= begins:
                self.note(f"{entry.segment:020}.journal", 0, f"the repair that the proof's entry {entry.index} tells of is not in the journal")
        self._say_what_is_not_known(last)

    def _say_what_is_not_known(self, last: int) -> None:
        say = self.report.not_known.append
        if self.retirement:
            say(f"records up to {self.retirement.sequence} were retired: what they held is not here to be checked")
        for first, end, cause in self.report.voids:
            if cause == audit_pb2.VOID_CAUSE_DAMAGED:
                say(f"records {first} to {end} were damaged and repaired: what was readable of them is in quarantine")
        if self.unchecked_signatures or (self.report.keys and not can_check()):
            say("signatures were not checked: pip install cryptography")
        covered = self.report.checkpoint_sequence
        if covered is None:
            say("there is no signed checkpoint: whoever can write the directory can compute a whole journal anew, or cut its end off")
            return
        say(f"what came after record {covered}, the end of the newest checkpoint, could have been rewritten or cut off")
        if last > covered:
            say(f"records {covered + 1} to {last} are covered by no checkpoint")
        if not self.trusted:
            say("whether the keys that signed are yours: give the public key")
        say("whoever holds the private key can sign another history")


def _is_expected(record: audit_pb2.AuditRecord, header: BlockHeader) -> bool:
    if header.kind == KIND_RECORDS:
        return not record.HasField("void_range")
    void = record.void_range
    if not record.HasField("void_range") or (void.first, void.last) != (header.first, header.last):
        return False
    if header.kind == KIND_VOID:
        return not void.chain
    return len(void.chain) == 32 and void.cause == audit_pb2.VOID_CAUSE_DAMAGED
