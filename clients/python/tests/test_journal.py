"""The parts of assay.journal by themselves; Tests/EndToEnd/test_proof.py holds it against real journals and the server's verifier."""

from __future__ import annotations

import pathlib
import random

import pytest
from assay.journal import JournalError, verify
from assay.journal._checksum import crc32c, slow_crc32c
from assay.journal._format import BlockHeader, ProofEntry, SegmentHeader, parse_identity
from assay.journal._lz4 import decompress, slow_decompress
from assay.journal._signatures import checkpoint_line, public_key


def test_the_checksum_is_castagnolis() -> None:
    for checksum in (crc32c, slow_crc32c):
        assert checksum(b"123456789") == 0xE3069283
        assert checksum(b"") == 0
        assert checksum(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4


def test_both_decompressors_agree_on_whole_and_on_damaged_blocks() -> None:
    compress = pytest.importorskip("lz4.block").compress
    generator = random.Random(7)
    for _ in range(200):
        words = [generator.randbytes(generator.randrange(1, 9)) for _ in range(8)]
        raw = b"".join(generator.choice(words) for _ in range(generator.randrange(1, 300)))
        data = compress(raw, store_size=False)
        assert slow_decompress(data, len(raw)) == decompress(data, len(raw)) == raw
        assert slow_decompress(data, len(raw) - 1) is None and slow_decompress(data[:-1], len(raw)) is None
        # A damaged block makes something or nothing, never more than it was asked for.
        damaged = bytearray(data)
        damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
        made = slow_decompress(bytes(damaged), len(raw))
        assert made is None or len(made) == len(raw)


def test_headers_of_any_bytes_are_refused() -> None:
    generator = random.Random(11)
    for size in (0, 1, 28, 52, 127, 128, 256, 300):
        data = generator.randbytes(size)
        assert SegmentHeader.parse(data) is None and BlockHeader.parse(data) is None and ProofEntry.parse(data) is None
        with pytest.raises(JournalError):
            parse_identity(data)


def test_what_is_no_journal_key_or_checkpoint_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(JournalError, match="holds no journal"):
        verify(tmp_path)
    (tmp_path / "key").write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    with pytest.raises(JournalError, match="not an Ed25519 public key"):
        public_key(tmp_path / "key")
    with pytest.raises(JournalError, match="32 bytes"):
        public_key(b"short")
    for line in ("", "assay-checkpoint", "assay-checkpoint entry=AAAA", "assay-checkpoint entry=!"):
        with pytest.raises(JournalError):
            checkpoint_line(line)
