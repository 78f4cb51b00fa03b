"""What a reply may wait for, and what happens when the disk does not do what it should."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterator

import assay
import pytest
from conftest import ROOT, Server, load, run, with_demo_bundles
from kill_loop import decisions

ROW = [0.25] * 30
PATIENCE_SECONDS = 120


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)


class Syncs:
    """The switches and the log of bench/faults/syncs.c, preloaded into a server."""

    def __init__(self, work: pathlib.Path) -> None:
        self.directory = work / "syncs"
        self.directory.mkdir()
        self.library = work / "libsyncs.so"
        run("gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", self.library, ROOT / "bench/faults/syncs.c", "-ldl")

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "ASSAY_SYNC_CONTROL": str(self.directory)}

    def hold(self) -> None:
        (self.directory / "hold").touch()

    def release(self) -> None:
        (self.directory / "hold").unlink()

    def fail(self) -> None:
        (self.directory / "fail").touch()

    @property
    def calls(self) -> list[tuple[int, int, int]]:
        """Start and end (monotonic nanoseconds) and result of each that has returned."""
        log = self.directory / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [(int(start), int(end), int(result)) for start, end, result in (line.split() for line in lines)]


@pytest.fixture
def syncs(work: pathlib.Path) -> Syncs:
    return Syncs(work)


def metric(server: Server, name: str) -> float:
    lines = [line for line in server.get("/metrics")[1].splitlines() if line.startswith(name + " ")]
    assert len(lines) == 1, name
    return float(lines[0].split()[1])


# -- Replies that wait for the disk


def test_every_disk_reply_comes_after_an_fdatasync_that_began_after_its_request(make_server: Any, syncs: Syncs) -> None:
    server = with_demo_bundles(make_server(environment=syncs.environment))
    times = []
    with server.client() as client:
        for number in range(100):
            sent = time.monotonic_ns()
            decision = client.score("cards", ROW, transaction_id=f"t-{number}", durability="disk")
            times.append((sent, time.monotonic_ns(), decision.audit_sequence))
        batch = client.score_batch("cards", [ROW] * 50, durability="disk")
        times.append((times[-1][1], time.monotonic_ns(), batch.audit_sequence_first))
    calls = syncs.calls
    for sent, answered, sequence in times:
        covering = [(start, end) for start, end, result in calls if start >= sent and end <= answered and result == 0]
        assert covering, f"the reply to {sequence} came before its sync had returned"
    print(f"durability: {len(times)} replies one after another, each behind a sync of its own ({len(calls)} in all)")
    server.terminate()
    assert server.verify_journal()["decisions"] == 150


def test_no_disk_reply_leaves_while_the_sync_is_held_and_all_that_wait_share_few(make_server: Any, syncs: Syncs) -> None:
    server = with_demo_bundles(make_server(environment=syncs.environment))
    callers = 64
    with ThreadPoolExecutor(callers) as pool, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(assay.Client(server.address, timeout=PATIENCE_SECONDS)) for _ in range(callers)]
        # Connected, and the bundle's precision known, before the sync is held.
        for client in clients:
            client.score("cards", ROW)
        syncs.hold()
        try:
            waiting = [pool.submit(client.score, "cards", ROW, durability="disk") for client in clients]
            wait_until(lambda: metric(server, "assay_audit_replies_held") == callers, "all callers wait")
            # A request that does not wait overtakes them.
            with server.client() as other:
                assert other.score("cards", ROW, durability="memory").audit_sequence > 0
            assert not any(future.done() for future in waiting)
            before = len(syncs.calls)
        finally:
            syncs.release()
        sequences = [future.result().audit_sequence for future in waiting]
        used = len(syncs.calls) - before
    print(f"durability: {callers} callers that waited shared {used} syncs")
    assert len(set(sequences)) == callers
    # The one that was held; at most a new segment's; one for all others; two that the interval may have brought.
    assert used <= 5
    assert metric(server, "assay_audit_replies_held") == 0
    server.terminate()


def test_the_server_may_be_set_to_wait_and_a_drain_waits_for_what_is_held(make_server: Any, syncs: Syncs) -> None:
    server = with_demo_bundles(make_server("--durability", "disk", "--drain-seconds", 120, environment=syncs.environment))
    with server.client() as client:
        client.score("cards", ROW)
    with ThreadPoolExecutor(1) as pool, assay.Client(server.address, timeout=PATIENCE_SECONDS) as client:
        syncs.hold()
        waiting = pool.submit(client.score, "cards", ROW)
        wait_until(lambda: metric(server, "assay_audit_replies_held") == 1, "the reply is held")
        assert server.process
        server.process.terminate()
        server.wait_until("/readyz", lambda status, body: status == 503 and "DRAINING" in body, seconds=PATIENCE_SECONDS)
        assert not waiting.done()
        syncs.release()
        assert waiting.result().audit_sequence == 2
    server.terminate()
    assert server.verify_journal()["decisions"] == 2


def test_a_load_that_waits_for_the_disk_is_answered_without_an_error(make_server: Any, syncs: Syncs) -> None:
    server = with_demo_bundles(make_server(environment=syncs.environment))
    figures = load(
        server, "--bundle", "cards", "--connections", 16, "--depth", 4, "--requests", 20_000, "--durability", "disk", "--timeout",
        PATIENCE_SECONDS, "--verify",
    )
    calls = len(syncs.calls)
    print(f"durability: {figures['decisions_total']} decisions that waited for the disk, {calls} syncs, {figures['decisions_total'] / calls:.1f} each")
    assert figures["decisions_total"] == 20_000 and figures["errors"] == 0 and figures["mismatches"] == 0
    server.terminate()
    assert server.verify_journal()["decisions"] == 20_000


# -- A failed fdatasync


def half_a_frame(server: Server) -> socket.socket:
    """A connection that a drain has to wait for."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS)
    connection.sendall(b"\0\0")
    return connection


def test_a_failed_fdatasync_acknowledges_nothing_more_is_not_retried_and_ends_the_server_with_2(make_server: Any, syncs: Syncs) -> None:
    server = with_demo_bundles(
        make_server("--drain-seconds", 120, "--partial-frame-timeout-seconds", 600, environment=syncs.environment)
    )
    callers = 8
    acknowledged: dict[int, float] = {}
    with ThreadPoolExecutor(callers) as pool, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(assay.Client(server.address, timeout=PATIENCE_SECONDS)) for _ in range(callers)]
        for client in clients:
            decision = client.score("cards", ROW, durability="disk")
            acknowledged[decision.audit_sequence] = decision.score
        syncs.hold()
        waiting = [pool.submit(client.score, "cards", ROW, durability="disk") for client in clients]
        wait_until(lambda: metric(server, "assay_audit_replies_held") == callers, "all callers wait")
        connection = half_a_frame(server)
        wait_until(lambda: metric(server, "assay_connections_open") == callers + 1, "the half frame is there")
        before = len(syncs.calls)
        syncs.fail()
        syncs.release()
        for future in waiting:
            with pytest.raises((assay.AuditUnavailable, assay.ConnectionLost)) as caught:
                future.result()
            assert caught.value.maybe_executed
            assert isinstance(caught.value, assay.ConnectionLost) or caught.value.reason == "AUDIT_FAILED"
        _, body = server.wait_until("/readyz", lambda status, _: status == 503, seconds=PATIENCE_SECONDS)
        assert "AUDIT_FAILED" in {reason["code"] for reason in json.loads(body)["reasons"]}
        connection.close()
    assert server.process and server.process.wait(timeout=PATIENCE_SECONDS) == 2
    server.process = None
    failed = syncs.calls[before:]
    assert [result for _, _, result in failed] == [-1], "the sync was tried again"
    assert "could not be synced" in server.log.read_text()

    # The next start finds a disk that works again, and everything that was acknowledged.
    (syncs.directory / "fail").unlink()
    server.start()
    with server.client() as client:
        assert client.score("cards", ROW, durability="disk").audit_sequence > callers
    server.terminate()
    server.verify_journal()
    seen = {record["sequence"]: record["score"] for record in server.dump_journal() if not record.get("void")}
    assert acknowledged.items() <= seen.items()


# -- A full disk


class SmallDisk:
    """A tmpfs of its own for a journal, and a file that takes its room."""

    def __init__(self, directory: pathlib.Path, size: int) -> None:
        self.directory = directory
        directory.mkdir()
        result = run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", directory, code=None)
        if result.returncode != 0:
            pytest.skip(f"mount: {result.stderr.strip()}")

    def fill(self, leaving: int) -> None:
        status = os.statvfs(self.directory)
        room = status.f_bavail * status.f_frsize - leaving
        with (self.directory / "filler").open("wb") as filler:
            filler.write(bytes(room))

    def make_room(self) -> None:
        (self.directory / "filler").unlink()


@pytest.fixture
def small_disk(work: pathlib.Path) -> Iterator[SmallDisk]:
    if os.geteuid() != 0:
        pytest.skip("a tmpfs can be mounted by root only")
    disk = SmallDisk(work / "journal", 16 << 20)
    yield disk
    run("umount", "-l", disk.directory)


# The smallest ring, so that it is full soon: it holds some 400 records.
SMALL = ("--frame-bytes-max", 65536, "--ring-bytes", 131072)


def some_load(server: Server, log: pathlib.Path, requests: int, code: int = 0) -> Any:
    return load(server, "--bundle", "cards", "--connections", 4, "--requests", requests, "--record-acknowledged", log, code=code)


def fill_ring(score: Callable[[], assay.Decision]) -> int:
    """Scores until there is no record, since this caller's may be a little smaller than the load's; returns how many had one."""
    for count in range(1_000):
        try:
            if score().audit_sequence == 0:
                return count
        except assay.AuditUnavailable as refusal:
            assert refusal.reason == "AUDIT_UNAVAILABLE" and refusal.retry_after
            return count
    raise AssertionError("the ring is never full")


def in_journal(server: Server, *logs: pathlib.Path) -> int:
    """All that was acknowledged with a number is in the journal; returns how many that is."""
    seen = dict(decisions(server.journal))
    count = 0
    for log in logs:
        data = log.read_bytes()
        for offset in range(0, len(data), 24):
            sequence = int.from_bytes(data[offset : offset + 8], "little")
            if sequence:
                assert seen.get(sequence) == int.from_bytes(data[offset + 8 : offset + 16], "little"), sequence
                count += 1
    return count


def test_a_full_disk_refuses_by_name_loses_nothing_and_service_comes_back_by_itself(make_server: Any, small_disk: SmallDisk) -> None:
    server = with_demo_bundles(make_server(*SMALL))
    first, second = server.work / "first", server.work / "second"
    small_disk.fill(leaving=32 << 10)
    figures = some_load(server, first, 20_000, code=1)
    assert {(kind["status"], kind["reason"]) for kind in figures["errors_by_kind"]} == {("AUDIT_UNAVAILABLE", "AUDIT_UNAVAILABLE")}
    assert figures["decisions_total"] > 0 and figures["disconnects"] == 0
    server.wait_until("/metrics", lambda _, body: "assay_audit_disk_full 1\n" in body, seconds=PATIENCE_SECONDS)
    status, body = server.get("/readyz")
    assert status == 200 and "AUDIT_DISK_FULL" in body
    with server.client() as client:
        own = fill_ring(lambda: client.score("cards", ROW))
        with pytest.raises(assay.AuditUnavailable) as caught:
            client.score("cards", ROW, durability="disk")
        assert caught.value.reason == "AUDIT_UNAVAILABLE" and caught.value.retry_after
        small_disk.make_room()
        server.wait_until("/metrics", lambda _, body: "assay_audit_disk_full 0\n" in body, seconds=PATIENCE_SECONDS)
        wait_until(lambda: metric(server, "assay_audit_ring_used_bytes") == 0, "the rings are empty again")
        assert client.score("cards", ROW, durability="disk").audit_sequence == figures["decisions_total"] + own + 1
    # As many as the ring holds whether the journal is quick or not.
    again = some_load(server, second, 200)
    assert again["errors"] == 0
    server.terminate()
    server.verify_journal()
    count = in_journal(server, first, second)
    refused = sum(kind["count"] for kind in figures["errors_by_kind"])
    print(f"disk full: {refused} refused, {count} acknowledged, all in the journal")
    assert count == figures["decisions_total"] + again["decisions_total"]


def test_a_full_disk_with_drop_answers_without_records_counts_them_and_records_again_when_there_is_room(
    make_server: Any, small_disk: SmallDisk
) -> None:
    server = with_demo_bundles(make_server(*SMALL, "--audit", "drop"))
    first, second = server.work / "first", server.work / "second"
    small_disk.fill(leaving=32 << 10)
    figures = some_load(server, first, 20_000)
    unrecorded = figures["audit_sequences"]["unrecorded"]
    assert figures["errors"] == 0 and unrecorded > 0 and figures["decisions_total"] == 20_000
    assert metric(server, "assay_audit_dropped_total") == unrecorded
    status, body = server.get("/readyz")
    assert status == 200 and {"AUDIT_DROPPED", "AUDIT_DISK_FULL"} <= {reason["code"] for reason in json.loads(body)["reasons"]}
    with server.client() as client:
        fill_ring(lambda: client.score("cards", ROW))
        assert client.score("cards", ROW).audit_sequence == 0
        assert [row.audit_sequence for row in client.score_batch("cards", [ROW] * 3)] == [0, 0, 0]
        # Who wants it on disk gets no decision that is not.
        with pytest.raises(assay.AuditUnavailable):
            client.score("cards", ROW, durability="disk")
        small_disk.make_room()
        server.wait_until("/metrics", lambda _, body: "assay_audit_disk_full 0\n" in body, seconds=PATIENCE_SECONDS)
        wait_until(lambda: metric(server, "assay_audit_ring_used_bytes") == 0, "the rings are empty again")
        assert client.score("cards", ROW, durability="disk").audit_sequence > 0
    # As many as the ring holds whether the journal is quick or not.
    again = some_load(server, second, 200)
    server.terminate()
    server.verify_journal()
    count = in_journal(server, first, second)
    total = figures["decisions_total"] + again["decisions_total"] - unrecorded - again["audit_sequences"]["unrecorded"]
    print(f"disk full, audit drop: {unrecorded} answered without a record, {count} with one, all of these in the journal")
    assert count == total


# -- No trail


def test_without_a_trail_decisions_have_no_number_and_everybody_is_told(make_server: Any) -> None:
    server = with_demo_bundles(make_server("--audit", "off"))
    figures = load(server, "--bundle", "cards", "--requests", 1_000)
    assert figures["errors"] == 0 and figures["audit_sequences"]["unrecorded"] == 1_000
    with server.client() as client:
        assert client.score("cards", ROW).audit_sequence == 0
        with pytest.raises(assay.FailedPrecondition) as caught:
            client.score("cards", ROW, durability="disk")
        assert caught.value.reason == "AUDIT_OFF"
        with pytest.raises(assay.NotFound):
            client.get_decision(1)
    status, body = server.get("/readyz")
    assert status == 200 and "AUDIT_OFF" in body
    assert 'assay_audit_info{mode="off",durability="memory"} 1' in server.get("/metrics")[1]
    server.terminate()
    assert "audit is off" in server.log.read_text()
    assert not server.journal.exists()
