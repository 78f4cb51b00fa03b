"""Decisions in a real PostgreSQL: exactly once through outages, faults and PgBouncer; days as partitions."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
from typing import Any, Callable, Iterator

import pytest
from conftest import BIN, BUNDLES, ROOT, Postgres, Server, load_command, push, run, with_demo_bundles

PATIENCE = 180


def eventually(what: str, condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while True:
        if value := condition():
            return value
        assert time.monotonic() < deadline, f"still waiting for {what}"
        time.sleep(0.05)


def metric(server: Server, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", server.get("/metrics")[1], re.MULTILINE)
    return float(found[1]) if found else -1


def rows(postgres: Postgres) -> tuple[int, int]:
    count, distinct = postgres.query("SELECT count(*), count(DISTINCT sequence) FROM assay_decisions").split("|")
    return int(count), int(distinct)


@contextlib.contextmanager
def under_load(server: Server, rate: int = 2000) -> Iterator[dict[str, Any]]:
    """An open loop for as long as the block runs; its figures are in the dictionary afterwards."""
    report = server.work / "load.json"
    command = load_command(server, "--bundle", "cards", "--connections", 8, "--rate", rate, "--duration", 86_400, "--timeout", 60)
    figures: dict[str, Any] = {}
    load = subprocess.Popen([*command, "--json", str(report)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield figures
        load.send_signal(signal.SIGINT)
        assert load.wait(timeout=PATIENCE) == 0
        figures.update(json.loads(report.read_text()))
    finally:
        load.kill()
        load.wait()


def shipped_again(server: Server) -> None:
    before = metric(server, "assay_audit_sequence_shipped")
    eventually("records to be shipped", lambda: metric(server, "assay_audit_sequence_shipped") > before)


def expect_exactly_once(server: Server, postgres: Postgres, figures: dict[str, Any]) -> None:
    assert figures["errors"] == 0
    # Without anything behind, the last records may still lie in the rings: what counts is that all have arrived.
    eventually("every row to arrive", lambda: metric(server, "assay_audit_sequence_shipped") == figures["decisions_total"])
    eventually("the backlog to drain", lambda: metric(server, "assay_postgres_lag_records") == 0)
    assert metric(server, "assay_postgres_lag_seconds") == 0
    count, distinct = rows(postgres)
    print(f"postgres: {figures['decisions_total']} acknowledged, {count} rows, {distinct} distinct, 0 failed requests")
    assert count == distinct == figures["decisions_total"]
    # What a commit brought whose answer was lost is in the table and in no counter.
    assert 0 < metric(server, "assay_postgres_rows_total") <= count
    server.terminate()
    assert server.verify_journal()["decisions"] == count


def test_postgres_away_under_load_costs_nothing(make_server: Any, postgres: Postgres) -> None:
    server = make_server("--postgres", postgres.url)
    with_demo_bundles(server)
    with under_load(server) as figures:
        shipped_again(server)
        # The harder way to stop: postmaster and children die, in the middle of a COPY perhaps.
        postgres.call("crash")
        server.wait_until("/readyz", lambda status, body: status == 200 and "POSTGRES_DOWN" in body, PATIENCE)
        lag = metric(server, "assay_postgres_lag_seconds")
        eventually("the backlog to grow", lambda: metric(server, "assay_postgres_lag_records") > 5_000)
        assert metric(server, "assay_postgres_up") == 0 and metric(server, "assay_postgres_lag_seconds") > lag
        postgres.start()
        server.wait_until("/metrics", lambda _, body: "assay_postgres_up 1\n" in body, PATIENCE)
        shipped_again(server)
        assert metric(server, "assay_postgres_connections_total") == 2
    expect_exactly_once(server, postgres, figures)


class PgBouncer:
    """A pooler of the test's own in transaction mode, with two connections to PostgreSQL for everybody."""

    def __init__(self, work: pathlib.Path, postgres: Postgres) -> None:
        self.directory = work / "pgbouncer"
        self.directory.mkdir()
        self.settings = self.directory / "pgbouncer.ini"
        self.settings.write_text(
            f"""[databases]
postgres = host={postgres.directory} user=assay
[pgbouncer]
listen_port = 6432
unix_socket_dir = {self.directory}
auth_type = any
pool_mode = transaction
default_pool_size = 2
server_login_retry = 1
logfile = {self.directory}/log
"""
        )
        self.url = f"postgresql:///postgres?host={self.directory}&port=6432&user=assay"
        # It refuses to run as root.
        self.command = ["pgbouncer", "-q", str(self.settings)]
        if os.getuid() == 0:
            shutil.chown(self.directory, "postgres")
            work.chmod(0o711)
            self.command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *self.command]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.use("SELECT 1")

    def use(self, sql: str) -> None:
        """Runs a statement as soon as the pooler and its PostgreSQL take it."""
        eventually("PgBouncer", lambda: run("psql", self.url, "-XAtqc", sql, code=None).returncode == 0)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def test_pgbouncer_in_transaction_mode_will_do(make_server: Any, postgres: Postgres, work: pathlib.Path) -> None:
    if shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        pytest.skip("PgBouncer is not installed (script/bootstrap installs it)")
    os.environ["PATH"] += ":/usr/sbin"
    bouncer = PgBouncer(work, postgres)
    try:
        server = make_server("--postgres", bouncer.url)
        with_demo_bundles(server)
        with under_load(server) as figures:
            for turn in range(3):
                # Others who leave settings behind on the connections that the server is given next.
                for _ in range(4):
                    bouncer.use("SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German'; SELECT 1")
                shipped_again(server)
                if turn == 0:
                    bouncer.kill()
                    server.wait_until("/metrics", lambda _, body: "assay_postgres_up 0\n" in body, PATIENCE)
                    bouncer.start()
                elif turn == 1:
                    postgres.call("crash")
                    postgres.start()
            shipped_again(server)
        assert postgres.query("SELECT count(*) FROM assay_schema_migrations") == "2"
        expect_exactly_once(server, postgres, figures)
    finally:
        bouncer.kill()


def test_faults_lose_and_double_nothing(work: pathlib.Path, postgres: Postgres) -> None:
    """The campaign of bench/faults/postgres, short; `postgres` makes the test skip where there is none."""
    report = work / "faults.json"
    command = [sys.executable, ROOT / "bench/faults/postgres", "--crashes", 3, "--lost-commits", 3, "--reconnects", 3, "--rate", 1000]
    # Its own waits are bounded; on a busy machine they add up.
    result = subprocess.run(
        [str(part) for part in [*command, "--json", report]], capture_output=True, text=True, timeout=1800,
        env={**os.environ, "ASSAY_BIN": str(BIN)},
    )
    print(result.stdout.strip())
    assert result.returncode == 0, result.stdout + result.stderr
    figures = json.loads(report.read_text())
    assert (figures["crashes"], figures["lost_commits"], figures["reconnects"]) == (3, 3, 3)
    # The first connection, and one after each fault at least.
    assert figures["connections"] >= 10


def test_days_are_dropped_as_the_page_says(make_server: Any, postgres: Postgres) -> None:
    server = make_server("--postgres", postgres.url)
    push(server.registry, BUNDLES / "cards-1.assay")
    server.start()
    with server.client() as client:
        client.score("cards", [0.5] * 30)
    eventually("the row", lambda: metric(server, "assay_audit_sequence_shipped") == 1)
    today = postgres.query("SELECT tableoid::regclass FROM assay_decisions")
    assert re.fullmatch(r"assay_decisions_\d{8}", today)
    page = (ROOT / "docs/POSTGRES.md").read_text()
    statements = re.search(r"## Dropping old days\n.*?```sql\n(.*?)```", page, re.DOTALL)
    assert statements
    listing, detach, drop = [part.strip() for part in statements[1].strip().split("\n\n")]
    assert any(line.startswith(today) for line in postgres.query(listing).splitlines())
    for statement in (detach, drop):
        postgres.query(statement.replace("assay_decisions_20260101", today))
    assert rows(postgres) == (0, 0)
    # A later decision of that day finds its table made anew, and the numbers go on.
    with server.client() as client:
        client.score("cards", [0.5] * 30)
    eventually("the row", lambda: metric(server, "assay_audit_sequence_shipped") == 2)
    assert postgres.query("SELECT sequence FROM assay_decisions") == "2"
