"""Decisions are found by number and by transaction id, wherever they are and whatever became of the indexes."""

from __future__ import annotations

import os
import pathlib
import random
import re
import struct
from typing import Any, Iterator

import assay
import numpy as np
import pytest
from conftest import Server, assay_command, output_of, with_demo_bundles
from test_documents import crc32c

SMALL_SEGMENTS = ("--segment-bytes", 64 << 10)


def score_some(client: assay.Client, count: int, prefix: str) -> int:
    """Scores `count` rows with transaction ids PREFIX-0 …; returns the first one's number."""
    # Nothing that compresses, so that segments fill.
    rows = np.random.default_rng(count).normal(size=(count, 30)).astype(np.float32)
    first = 0
    for start in range(0, count, 1000):
        part = rows[start : start + 1000]
        ids = [f"{prefix}-{start + index}" for index in range(len(part))]
        decided = client.score_batch("cards", part, transaction_ids=ids)
        first = first or decided.audit_sequence_first
        assert decided.audit_sequence_first == first + start
    return first


def indexes(server: Server) -> list[pathlib.Path]:
    return sorted(server.journal.glob("*.index"))


def wait_for_indexes(server: Server) -> None:
    def is_indexed(status: int, body: str) -> bool:
        figures = dict(re.findall(r"^(assay_audit_segments\w*) (\d+)$", body, re.MULTILINE))
        return int(figures["assay_audit_segments"]) >= 5 and figures["assay_audit_segments_unindexed"] == "0"

    server.wait_until("/metrics", is_indexed, seconds=120)


def check(client: assay.Client, first: int, count: int, prefix: str) -> None:
    for index in random.Random(7).sample(range(count), 40):
        record = client.get_decision(transaction_id=f"{prefix}-{index}")
        assert (record.sequence, record.transaction_id) == (first + index, f"{prefix}-{index}")
        assert client.get_decision(first + index).transaction_id == f"{prefix}-{index}"
    with pytest.raises(assay.NotFound, match="UNKNOWN_TRANSACTION"):
        client.get_decision(transaction_id="nobody")


def test_decisions_are_found_after_rotations_restarts_and_damage(make_server: Any) -> None:
    server = with_demo_bundles(make_server(*SMALL_SEGMENTS))
    count = 8_000
    with server.client() as client:
        first = score_some(client, count, "a")
        check(client, first, count, "a")
        # Scored again under the same id, later, and in another segment.
        again = client.score("cards", [3.0] * 30, transaction_id="a-17").audit_sequence
        assert [record.sequence for record in client.find_decisions("a-17")] == [again, first + 17]
        assert [record.sequence for record in client.find_decisions("a-17", limit=1)] == [again]
        wait_for_indexes(server)
        check(client, first, count, "a")
        for query, reason in ((dict(limit=101), "LIMIT_OUT_OF_RANGE"),):
            with pytest.raises(assay.InvalidArgument, match=reason):
                client.find_decisions("a-17", **query)
    # The command line, against the server and beside it.
    for command in (["decision", "--server", server.address], ["journal", "find", server.journal]):
        lines = assay_command(*command, "--transaction", "a-17", "--json").stdout.splitlines()
        assert len(lines) == 2 and f'"sequence":{again}' in lines[0].replace(" ", "")
        assert f"{first + 5} " in assay_command(*command, "--sequence", first + 5).stdout
        assert assay_command(*command, "--transaction", "nobody", code=None).returncode == 1

    # Killed; some indexes vanish, some are damaged, one is another segment's, and one segment is new.
    server.kill()
    files = indexes(server)
    assert len(files) >= 5, files
    files[0].unlink()
    files[1].write_bytes(os.urandom(500))
    files[2].write_bytes(files[3].read_bytes())
    damaged = bytearray(files[4].read_bytes())
    for offset in range(200, len(damaged), 1000):
        damaged[offset] ^= 0x40
    files[4].write_bytes(damaged)
    server.start()
    with server.client() as client:
        check(client, first, count, "a")
        assert [record.sequence for record in client.find_decisions("a-17")] == [again, first + 17]
        more = score_some(client, 500, "b")
        check(client, more, 500, "b")
        wait_for_indexes(server)
        check(client, first, count, "a")
    assert output_of("journal", "verify", server.journal)["ok"]
    server.terminate()
    # Nothing is lost with the indexes.
    for file in indexes(server):
        file.unlink()
    assert f"{first + 17} " in assay_command("journal", "find", server.journal, "--transaction", "a-17", "--limit", "2").stdout


def test_old_segments_may_be_removed_under_the_server(make_server: Any) -> None:
    server = with_demo_bundles(make_server(*SMALL_SEGMENTS))
    with server.client() as client:
        first = score_some(client, 8_000, "a")
        wait_for_indexes(server)
        segments = sorted(server.journal.glob("*.journal"))
        for segment in segments[:2]:
            segment.unlink()
        kept = int(segments[2].stem)
        with pytest.raises(assay.NotFound):
            client.get_decision(transaction_id="a-0")
        with pytest.raises(assay.NotFound):
            client.get_decision(first)
        assert client.get_decision(kept).sequence == kept
        assert client.get_decision(transaction_id=f"a-{kept - first}").sequence == kept
        # The next rotation clears away what belonged to them.
        score_some(client, 2_000, "b")
        server.wait_until("/metrics", lambda status, body: len(indexes(server)) == len(list(server.journal.glob("*.journal"))) - 1)


class IndexPage:
    """An index file read as docs/JOURNAL.md tells it."""

    def __init__(self, data: bytes) -> None:
        assert data[:8] == b"ASJX\1\0\0\0" and struct.unpack_from("<I", data, 124) == (crc32c(data[:124]),)
        self.identity, self.first, self.last, self.segment_bytes, self.last_hash = struct.unpack_from("<16sQQQ32s", data, 8)
        self.seed, blocks, pages, lines, table_crc, filter_crc, self.count, zero = struct.unpack_from("<QIIIIIQQ", data, 80)
        table = data[128 : 128 + 16 * blocks]
        self.pages = data[128 + 16 * blocks :][: 4096 * pages]
        self.filter = data[128 + 16 * blocks + 4096 * pages :]
        assert len(self.filter) == 64 * lines and lines == (self.count * 10 + 511) // 512 and zero == 0
        assert (crc32c(table), crc32c(self.filter)) == (table_crc, filter_crc)
        self.blocks = list(struct.iter_unpack("<QQ", table))
        assert self.blocks == sorted(self.blocks) and self.blocks[0] == (self.first, 128)

    def entries(self) -> Iterator[tuple[int, int]]:
        for start in range(0, len(self.pages), 4096):
            page = self.pages[start : start + 4096]
            count, zero, crc = struct.unpack_from("<IQI", page, 4080)
            assert 1 <= count <= 255 and zero == 0 and crc == crc32c(page[:4092])
            yield from struct.iter_unpack("<QQ", page[: 16 * count])

    def hash(self, text: str) -> int:
        mask = (1 << 64) - 1
        one, two = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F
        data = text.encode()
        state = self.seed ^ (len(data) * one & mask)
        for start in range(0, len(data), 8):
            mixed = state ^ (int.from_bytes(data[start : start + 8], "little") * one & mask)
            state = ((mixed << 27 | mixed >> 37) & mask) * two & mask
        state = (state ^ state >> 33) * 0xFF51AFD7ED558CCD & mask
        state = (state ^ state >> 33) * 0xC4CEB9FE1A85EC53 & mask
        return max(1, state ^ state >> 33)

    def may_contain(self, value: int) -> bool:
        line = (value >> 32) * (len(self.filter) // 64) >> 32
        bits = (value * 0x9E3779B97F4A7C15 & (1 << 64) - 1) >> 10
        return all(self.filter[64 * line + (bits >> 9 * n & 511) // 8] >> (bits >> 9 * n & 7) & 1 for n in range(6))


def test_a_reader_written_after_the_page_finds_every_decision_in_the_indexes(make_server: Any) -> None:
    server = with_demo_bundles(make_server(*SMALL_SEGMENTS))
    with server.client() as client:
        score_some(client, 8_000, "a")
        wait_for_indexes(server)
    server.terminate()
    ids = {record["sequence"]: record["transaction_id"] for record in server.dump_journal()}
    found = 0
    for path in indexes(server):
        page = IndexPage(path.read_bytes())
        segment = path.with_suffix(".journal").read_bytes()
        assert page.identity == (server.journal / "identity").read_bytes()[8:24] and path.stem == f"{page.first:020}"
        assert page.segment_bytes == len(segment)
        last_block = segment[page.blocks[-1][1] :][:128]
        assert last_block[:4] == b"ASJB" and last_block[80:112] == page.last_hash and struct.unpack_from("<Q", last_block, 16) == (page.last,)
        entries = list(page.entries())
        assert entries == sorted(entries) and len(entries) == page.count == page.last - page.first + 1
        for value, sequence in entries:
            assert value == page.hash(ids[sequence]) and page.may_contain(value)
        assert {sequence for _, sequence in entries} == set(range(page.first, page.last + 1))
        found += len(entries)
    print(f"indexes: {len(indexes(server))} read after the page, {found} of {len(ids)} decisions in them")
    assert found > 4_000
