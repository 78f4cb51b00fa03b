"""Signed journals of real servers: two verifiers that share no code agree, exports hold what the journal holds, retention keeps what PostgreSQL lacks."""

from __future__ import annotations

import hashlib
import json
import pathlib
import random
import shutil
import struct
import time
from typing import Any, Callable, Optional

import pytest
from assay import journal
from assay.journal._checksum import crc32c
from assay.journal._directory import Block, Directory
from assay.journal._format import BLOCK_HEADER, PROOF_ENTRY
from conftest import BUNDLES, Postgres, Server, assay_command, load, output_of, push, run

MUTANTS = 300
SEED = 20261130


def make_key(work: pathlib.Path) -> pathlib.Path:
    key = work / "checkpoint.key"
    printed = assay_command("journal", "keygen", "--key", key).stdout
    assert key.stat().st_mode & 0o777 == 0o600
    assert printed == pathlib.Path(f"{key}.pub").read_text()
    # A key is never replaced.
    assay_command("journal", "keygen", "--key", key, code=2)
    return key


def signed_server(make_server: Any, work: pathlib.Path, *options: Any) -> Server:
    server: Server = make_server("--checkpoint-key", make_key(work), "--checkpoint-blocks", 2, "--segment-bytes", 65536, *options)
    push(server.registry, BUNDLES / "cards-1.assay")
    return server.start()


@pytest.fixture
def signed(make_server: Any, work: pathlib.Path) -> Server:
    """A server that was stopped cleanly after some decisions in several segments, signed every few blocks."""
    server = signed_server(make_server, work, "--sync-interval-ms", 2)
    for _ in range(60):
        load(server, "--bundle", "cards", "--requests", 60, "--duration", 60)
        if len(list(server.journal.glob("*.journal"))) >= 2 and (server.journal / "proof").exists():
            break
    server.terminate()
    return server


def public_key(server: Server) -> pathlib.Path:
    return server.work / "checkpoint.key.pub"


def verdicts(directory: pathlib.Path, key: pathlib.Path, *checkpoints: str) -> tuple[bool, bool, str]:
    """Whether the journal is sound: the server's word, Python's, and both in full."""
    extra = [word for line in checkpoints for word in ("--checkpoint", line)]
    first = assay_command("journal", "verify", directory, "--public-key", key, *extra, code=None)
    assert first.returncode in (0, 1, 2), first
    try:
        report = journal.verify(directory, public_keys=[key], checkpoints=checkpoints)
        second, text = report.ok, "; ".join(map(str, report.damages))
    except journal.JournalError as error:
        second, text = False, str(error)
    return first.returncode == 0, second, f"{first.stderr}\n{text}"


def test_a_signed_journal_is_proven_by_two_programs_and_a_line_kept_elsewhere(signed: Server) -> None:
    report = output_of("journal", "verify", signed.journal, "--public-key", public_key(signed))
    assert report["ok"] and report["keys_trusted"] and report["checkpoint_sequence"] == report["last_sequence"], report
    second = journal.verify(signed.journal, public_keys=[public_key(signed)])
    assert second.ok, second.damages
    for name in ("segments", "blocks", "decisions", "first_sequence", "last_sequence", "checkpoints", "checkpoint_sequence", "keys"):
        assert getattr(second, name) == report[name], name
    line = assay_command("journal", "checkpoint", signed.journal).stdout.strip()
    assert verdicts(signed.journal, public_key(signed), line)[:2] == (True, True)
    # OpenSSL takes the key files for what they are.
    if shutil.which("openssl"):
        assert "ED25519" in run("openssl", "pkey", "-pubin", "-in", public_key(signed), "-noout", "-text").stdout.upper()
        derived = run("openssl", "pkey", "-in", signed.work / "checkpoint.key", "-pubout").stdout
        assert derived == public_key(signed).read_text()
    # The tail goes, with the checkpoints that cover it.
    proof = (signed.journal / "proof").read_bytes()
    entries = [proof[at : at + PROOF_ENTRY] for at in range(0, len(proof), PROOF_ENTRY)]
    kept = struct.unpack_from("<Q", entries[0], 48)[0]
    cut(signed.journal, kept)
    (signed.journal / "proof").write_bytes(entries[0])
    (signed.journal / "clean").unlink()
    assert verdicts(signed.journal, public_key(signed))[:2] == (True, True)
    assert verdicts(signed.journal, public_key(signed), line)[:2] == (False, False)


def cut(directory: pathlib.Path, last: int) -> None:
    """Takes all blocks after record `last` away."""
    for segment in sorted(directory.glob("*.journal")):
        ends = [block.end for block in blocks(directory, int(segment.name[:20])) if block.header.last <= last]
        if ends:
            segment.write_bytes(segment.read_bytes()[: ends[-1]])
        else:
            segment.unlink()


def blocks(directory: pathlib.Path, first: int) -> list[Block]:
    found = []
    with Directory(directory).segment(first) as segment:
        block = segment.block(128)
        while isinstance(block, Block):
            found.append(block)
            block = segment.block(block.end)
    return found


# -- Mutants


def sealed(data: bytes) -> bytes:
    """With the checksum of the last four bytes made anew."""
    return data[:-4] + struct.pack("<I", crc32c(data[:-4]))


class Mutant:
    """One harm done to a copy of a journal."""

    def __init__(self, directory: pathlib.Path, generator: random.Random) -> None:
        self.directory, self.random = directory, generator
        self.segments = sorted(directory.glob("*.journal"))
        self.proof = directory / "proof"

    def harm(self) -> str:
        kinds: list[Callable[[], Optional[str]]] = [
            self.flip, self.flip, self.cut, self.remove_bytes, self.drop_block, self.swap_blocks, self.edit, self.edit_and_hash, self.rewrite,
            self.drop_segment, self.swap_segments, self.drop_entry, self.swap_entries, self.edit_entry, self.cut_proof, self.drop_marker_and_cut,
            self.drop_proof, self.nothing,
        ]  # fmt: skip
        while True:
            kind = self.random.choice(kinds)
            done = kind()
            if done is not None:
                return f"{kind.__name__} {done}"

    def nothing(self) -> str:
        return ""

    def file(self) -> pathlib.Path:
        return self.random.choice([*self.segments, self.proof, self.directory / "clean", self.directory / "identity"])

    def flip(self) -> str:
        path = self.file()
        data = bytearray(path.read_bytes())
        at, bit = self.random.randrange(len(data)), self.random.randrange(8)
        data[at] ^= 1 << bit
        path.write_bytes(data)
        return f"{path.name} {at} {bit}"

    def cut(self) -> str:
        path = self.random.choice([*self.segments, self.proof])
        data = path.read_bytes()
        at = self.random.randrange(len(data))
        path.write_bytes(data[:at])
        return f"{path.name} {at}"

    def remove_bytes(self) -> str:
        path = self.random.choice([*self.segments, self.proof])
        data = path.read_bytes()
        at, count = self.random.randrange(len(data)), self.random.randrange(1, 400)
        path.write_bytes(data[:at] + data[at + count :])
        return f"{path.name} {at} {count}"

    def choose(self, count: int) -> tuple[pathlib.Path, list[Block], int]:
        """A segment, its blocks, and the first of `count` of them; -1: it has not so many."""
        segment = self.random.choice(self.segments)
        found = blocks(self.directory, int(segment.name[:20]))
        return segment, found, self.random.randrange(len(found) - count + 1) if len(found) >= count else -1

    def drop_block(self) -> Optional[str]:
        segment, found, at = self.choose(1)
        if at < 0:
            return None
        data = segment.read_bytes()
        segment.write_bytes(data[: found[at].offset] + data[found[at].end :])
        return f"{segment.name} {at}"

    def swap_blocks(self) -> Optional[str]:
        segment, found, at = self.choose(2)
        if at < 0:
            return None
        data = segment.read_bytes()
        a, b = found[at], found[at + 1]
        segment.write_bytes(data[: a.offset] + data[b.offset : b.end] + data[a.offset : a.end] + data[b.end :])
        return f"{segment.name} {at}"

    def edited(self, block: Block, previous: Optional[bytes], edit: bool, new_hash: bool) -> bytes:
        """The block with one feature byte of its first record turned, stored as is, its checksums made anew."""
        header, payload = bytearray(block.header.data), block.payload
        if edit:
            records = block.records()
            assert records
            # Deep inside the record: a byte of the features, whatever it means.
            target = bytearray(records[0])
            target[len(target) // 2] ^= 1
            payload = b"".join(struct.pack("<I", len(record)) + record for record in [bytes(target), *records[1:]])
            header[6] = 0
            struct.pack_into("<III", header, 28, len(payload), len(payload), crc32c(payload))
        if previous is not None:
            header[48:80] = previous
        if new_hash:
            header[80:112] = hashlib.sha256(bytes(header[:80]) + payload).digest()
        return sealed(bytes(header)) + payload

    def edit(self) -> Optional[str]:
        return self._edit(new_hash=False)

    def edit_and_hash(self) -> Optional[str]:
        return self._edit(new_hash=True)

    def _edit(self, new_hash: bool) -> Optional[str]:
        segment, found, at = self.choose(1)
        if at < 0 or found[at].header.kind != 0:
            return None
        data = segment.read_bytes()
        segment.write_bytes(data[: found[at].offset] + self.edited(found[at], None, True, new_hash) + data[found[at].end :])
        return f"{segment.name} {at}"

    def rewrite(self) -> Optional[str]:
        """An edited record, and every hash after it made anew, the close marker's too."""
        segment, found, at = self.choose(1)
        if at < 0 or found[at].header.kind != 0:
            return None
        previous: Optional[bytes] = None
        for path in self.segments[self.segments.index(segment) :]:
            data = path.read_bytes()[:128]
            if previous is not None:
                data = sealed(data[:32] + previous + data[64:])
            for index, block in enumerate(blocks(self.directory, int(path.name[:20]))):
                begins = previous is None and index == at
                new = self.edited(block, previous, begins, begins or previous is not None)
                if begins or previous is not None:
                    previous = new[80:112]
                data += new
            path.write_bytes(data)
        marker = self.directory / "clean"
        assert previous
        data = marker.read_bytes()
        marker.write_bytes(sealed(data[:16] + previous + data[48:]))
        return f"{segment.name} {at}"

    def drop_segment(self) -> str:
        segment = self.random.choice(self.segments)
        segment.unlink()
        return segment.name

    def swap_segments(self) -> Optional[str]:
        if len(self.segments) < 2:
            return None
        a, b = self.random.sample(self.segments, 2)
        data = a.read_bytes()
        a.write_bytes(b.read_bytes())
        b.write_bytes(data)
        return f"{a.name} {b.name}"

    def entries(self) -> list[bytes]:
        data = self.proof.read_bytes()
        return [data[at : at + PROOF_ENTRY] for at in range(0, len(data), PROOF_ENTRY)]

    def drop_entry(self) -> str:
        entries = self.entries()
        at = self.random.randrange(len(entries))
        self.proof.write_bytes(b"".join(entries[:at] + entries[at + 1 :]))
        return str(at)

    def swap_entries(self) -> Optional[str]:
        entries = self.entries()
        if len(entries) < 2:
            return None
        at = self.random.randrange(len(entries) - 1)
        entries[at], entries[at + 1] = entries[at + 1], entries[at]
        self.proof.write_bytes(b"".join(entries))
        return str(at)

    def edit_entry(self) -> str:
        entries = self.entries()
        at, byte = self.random.randrange(len(entries)), self.random.randrange(252)
        entry = bytearray(entries[at])
        entry[byte] ^= 1 << self.random.randrange(8)
        entries[at] = sealed(bytes(entry))
        self.proof.write_bytes(b"".join(entries))
        return f"{at} {byte}"

    def cut_proof(self) -> str:
        entries = self.entries()
        keep = self.random.randrange(len(entries))
        self.proof.write_bytes(b"".join(entries[:keep]))
        return str(keep)

    def drop_proof(self) -> str:
        self.proof.unlink()
        return ""

    def drop_marker_and_cut(self) -> Optional[str]:
        segment, found, at = self.choose(1)
        if at < 0:
            return None
        (self.directory / "clean").unlink()
        cut(self.directory, found[at].header.last)
        return f"after {found[at].header.last}"


def test_both_verifiers_agree_on_mutants(signed: Server, work: pathlib.Path) -> None:
    print(f"mutants: seed {SEED}")
    generator = random.Random(SEED)
    sound = unsound = 0
    for number in range(MUTANTS):
        copy = work / "mutant"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(signed.journal, copy)
        harm = Mutant(copy, generator).harm()
        first, second, text = verdicts(copy, public_key(signed))
        assert first == second, f"mutant {number} ({harm}): the server says {first}, Python {second}: {text}"
        if harm.startswith("nothing"):
            assert first, text
        if harm.split()[0] in ("edit", "edit_and_hash", "rewrite", "drop_block", "swap_blocks", "drop_segment", "drop_proof"):
            assert not first, f"mutant {number} ({harm}) was not found"
        sound, unsound = sound + first, unsound + (not first)
    print(f"mutants: {MUTANTS}, both verifiers agree: {unsound} unsound, {sound} sound")
    assert unsound > MUTANTS / 2


def test_a_damaged_journal_is_repaired_and_the_server_goes_on(signed: Server) -> None:
    key = signed.work / "checkpoint.key"
    segment = sorted(signed.journal.glob("*.journal"))[0]
    target = blocks(signed.journal, 1)[1]
    data = bytearray(segment.read_bytes())
    data[target.offset + BLOCK_HEADER + 5] ^= 1
    segment.write_bytes(data)
    assert verdicts(signed.journal, public_key(signed))[:2] == (False, False)
    arguments = ["journal", "repair", signed.journal, "--checkpoint-key", key, "--public-key", public_key(signed)]
    assert output_of(*arguments, "--dry-run")["done"] is False and segment.read_bytes() == data
    report = output_of(*arguments)
    assert report["done"] and report["damaged"] == [{"first": target.header.first, "last": target.header.last}], report
    assert (signed.journal / report["quarantined"][0]).read_bytes() == data
    assert verdicts(signed.journal, public_key(signed))[:2] == (True, True)
    assert output_of(*arguments) | {"needed": False} == output_of(*arguments)
    signed.start()
    assay_command(*arguments, code=1)
    load(signed, "--bundle", "cards", "--requests", 50, "--duration", 60)
    signed.terminate()
    assert verdicts(signed.journal, public_key(signed))[:2] == (True, True)


# -- Exports


def test_exports_hold_what_the_journal_holds(signed: Server, work: pathlib.Path) -> None:
    dumped = [record for record in signed.dump_journal() if "void" not in record]
    last = dumped[-1]["sequence"]
    lines = work / "decisions.jsonl"
    assay_command("journal", "export", signed.journal, "--format", "jsonl", "--output", lines, "--from", 5, "--to", last - 5)
    exported = [json.loads(line) for line in lines.read_text().splitlines()]
    assert exported == dumped[4:-5]
    written = journal.export(signed.journal, work / "python.jsonl", "jsonl", first=5, last=last - 5)
    ours = [json.loads(line) for line in (work / "python.jsonl").read_text().splitlines()]
    assert written.rows == len(ours) == len(exported) and written.last_sequence == last - 5 and written.unreadable == 0
    shared = set(ours[0]) & set(exported[0])
    assert {"sequence", "time", "score", "scores", "outcome", "features", "digest", "reasons", "transaction_id", "request_id"} <= shared
    for theirs, mine in zip(exported, ours):
        # Swift writes the shortest number of a float32, Python that of the float64 of the same value.
        features = [None if value is None else struct.unpack("<f", struct.pack("<f", value))[0] for value in theirs["features"]]
        assert mine["features"] == features
        assert all(mine[name] == theirs[name] for name in shared - {"features"}), (theirs, mine)


def test_parquet_and_delta_tables_hold_every_decision_once(signed: Server, work: pathlib.Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    deltalake = pytest.importorskip("deltalake")
    dumped = [record for record in signed.dump_journal() if "void" not in record]
    journal.export(signed.journal, work / "decisions.parquet", "parquet")
    rows = parquet.read_table(work / "decisions.parquet").to_pylist()
    assert [row["sequence"] for row in rows] == [record["sequence"] for record in dumped]
    assert [row["score"] for row in rows] == [record["score"] for record in dumped]
    table = work / "lake"
    half = dumped[len(dumped) // 2]["sequence"]
    assert journal.export(signed.journal, table, "delta", last=half).last_sequence == half
    # Made again, it goes on where it was; once more, there is nothing to do.
    assert journal.export(signed.journal, table, "delta").first_sequence == half + 1
    assert journal.export(signed.journal, table, "delta").rows == 0
    delta = deltalake.DeltaTable(str(table))
    assert delta.metadata().partition_columns == ["day"]
    import pyarrow

    lake = pyarrow.table(deltalake.QueryBuilder().register("d", delta).execute("SELECT sequence, score, features FROM d ORDER BY sequence").read_all())
    assert lake["sequence"].to_pylist() == [record["sequence"] for record in dumped]
    assert lake["score"].to_pylist() == [record["score"] for record in dumped]
    assert len(lake["features"][0]) == len(dumped[0]["features"])


# -- Retention


def test_retention_deletes_only_what_postgresql_has(make_server: Any, work: pathlib.Path, postgres: Postgres) -> None:
    server = signed_server(make_server, work, "--retention-bytes", 150000, "--postgres", postgres.url)
    postgres.call("stop")
    for _ in range(100):
        load(server, "--bundle", "cards", "--requests", 1000, "--duration", 60)
        if sum(path.stat().st_size for path in server.journal.glob("*.journal")) > 600_000:
            break
    server.wait_until("/metrics", lambda _, body: "assay_audit_retention_blocked 1" in body, seconds=120)
    assert (server.journal / f"{1:020}.journal").exists()
    postgres.start()
    server.wait_until("/metrics", lambda _, body: "assay_audit_retention_blocked 0" in body, seconds=120)
    deadline = time.monotonic() + 120
    while (server.journal / f"{1:020}.journal").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    server.terminate()
    first, second, text = verdicts(server.journal, public_key(server))
    assert (first, second) == (True, True), text
    report = output_of("journal", "verify", server.journal, "--public-key", public_key(server))
    assert report["first_sequence"] == report["retired_through"] + 1
    # Every record is in the database, those that were retired, too.
    assert int(postgres.query("SELECT count(*) FROM assay_decisions")) == report["last_sequence"]
    # A beginning that is dropped beyond that is found.
    sorted(server.journal.glob("*.journal"))[0].unlink()
    assert verdicts(server.journal, public_key(server))[:2] == (False, False)
