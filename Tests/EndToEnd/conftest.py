"""Fixtures of the end-to-end tests: real binaries (ASSAY_BIN, default .build/release), real servers, a real PostgreSQL."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from typing import Any, Iterator, Optional

import assay
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("ASSAY_BIN", ROOT / ".build" / "release"))
SHARED = pathlib.Path(os.environ.get("ASSAY_SHARED", ROOT.parent / "shared"))
BUNDLES = ROOT / "bench" / "bundles"
TWO_PROCESSORS = (os.cpu_count() or 1) >= 2 and shutil.which("taskset") is not None


def run(*arguments: Any, code: Optional[int] = 0, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs a command of ours; `code` is the exit code it must have (None: any)."""
    result = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=600, **options)
    if code is not None:
        assert result.returncode == code, f"{arguments}: exit {result.returncode}\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}"
    return result


def assay_command(*arguments: Any, **options: Any) -> subprocess.CompletedProcess[str]:
    return run(BIN / "assay", *arguments, **options)


def output_of(*arguments: Any) -> Any:
    return json.loads(assay_command(*arguments, "--json").stdout)


def push(registry: pathlib.Path, bundle: pathlib.Path, alias: str = "champion") -> None:
    assay_command("registry", "push", bundle, "--registry", registry, "--alias", alias, "--who", "test", "--why", "test")


def set_alias(registry: pathlib.Path, name: str, version: int, alias: str = "champion") -> None:
    assay_command("registry", "alias", name, alias, version, "--registry", registry, "--who", "test", "--why", "test")


class Server:
    """One `assay serve` with a registry and a journal in `work`; may be killed and started again."""

    def __init__(self, work: pathlib.Path, *options: Any, environment: Optional[dict[str, str]] = None) -> None:
        self.work = work
        self.registry = work / "registry"
        self.journal = work / "journal"
        self.socket = work / "assay.sock"
        self.log = work / "server.log"
        # The rings of a killed server stay for its next start; here they go with the test.
        self.rings = pathlib.Path(tempfile.mkdtemp(prefix="assay-e2e-", dir="/dev/shm"))
        self.options = [str(o) for o in options]
        self.environment = environment or {}
        self.process: Optional[subprocess.Popen[bytes]] = None
        self.port = 0
        self.http_port = 0
        self.registry.mkdir(exist_ok=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> "Server":
        offset = self.launch()
        assert self.process
        deadline = time.monotonic() + 120
        while True:
            for line in self.log.read_bytes()[offset:].decode(errors="replace").splitlines():
                with contextlib.suppress(ValueError):
                    entry = json.loads(line)
                    if entry.get("message") == "serving":
                        self.port, self.http_port = int(entry["port"]), int(entry["http_port"])
                        return self
            assert self.process.poll() is None, f"the server ended: {self.log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"the server does not serve: {self.log.read_text()[-3000:]}"
            time.sleep(0.02)

    def launch(self) -> int:
        """Starts the process and waits for nothing; returns where its log begins."""
        command = [] if not TWO_PROCESSORS else ["taskset", "-c", "0"]
        command += [str(BIN / "assay"), "serve", "--registry", str(self.registry), "--journal", str(self.journal)]
        command += ["--listen", "127.0.0.1:0", "--unix", str(self.socket), "--http", "127.0.0.1:0", "--workers", "1"]
        command += ["--ring-directory", str(self.rings), "--log-format", "json", *self.options]
        offset = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log, env={**os.environ, **self.environment})
        return offset

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def terminate(self, code: Optional[int] = 0) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            ended = self.process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.process = None
            raise
        self.process = None
        if code is not None:
            assert ended == code, f"exit {ended}: {self.log.read_text()[-3000:]}"

    def client(self, **options: Any) -> assay.Client:
        return assay.Client(self.address, timeout=60, **options)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=60) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def wait_until(self, path: str, condition: Any, seconds: float = 60) -> Any:
        """Polls a page of the console until `condition(status, body)` holds."""
        deadline = time.monotonic() + seconds
        while True:
            status, body = self.get(path)
            if condition(status, body):
                return status, body
            assert time.monotonic() < deadline, f"{path} stays {status} {body[:2000]}"
            time.sleep(0.05)

    def resident_bytes(self) -> int:
        assert self.process
        pages = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def verify_journal(self) -> Any:
        report = output_of("journal", "verify", self.journal)
        assert report["ok"], report
        return report

    def dump_journal(self) -> list[dict[str, Any]]:
        lines = assay_command("journal", "dump", self.journal, "--json").stdout.splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture
def work() -> Iterator[pathlib.Path]:
    directory = pathlib.Path(tempfile.mkdtemp(prefix="assay-e2e-", dir="/tmp"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def make_server(work: pathlib.Path) -> Iterator[Any]:
    """Makes servers that are stopped at the end, whatever the test does."""
    servers: list[Server] = []

    def make(*options: Any, **more: Any) -> Server:
        server = Server(work, *options, **more)
        servers.append(server)
        return server

    yield make
    for server in servers:
        if server.process is not None:
            server.process.kill()
            server.process.wait()
        shutil.rmtree(server.rings, ignore_errors=True)


@pytest.fixture
def demo_server(make_server: Any) -> Server:
    """A server with both versions of the two demo bundles, champion: 1."""
    return with_demo_bundles(make_server())


def with_demo_bundles(server: Server) -> Server:
    for name in ("cards", "bitcoin"):
        push(server.registry, BUNDLES / f"{name}-1.assay")
        push(server.registry, BUNDLES / f"{name}-2.assay", alias="challenger")
    return server.start()


class Postgres:
    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.url = ""

    def call(self, verb: str) -> str:
        return run(ROOT / "script" / "private-postgres", verb, self.directory).stdout.strip()

    def start(self) -> "Postgres":
        self.url = self.call("start")
        return self

    def query(self, sql: str) -> str:
        return run("psql", self.url, "-XAtc", sql).stdout.strip()


@pytest.fixture
def postgres(work: pathlib.Path) -> Iterator[Postgres]:
    if run(ROOT / "script" / "private-postgres", "available", code=None).returncode != 0:
        pytest.skip("PostgreSQL is not installed (script/bootstrap installs it)")
    server = Postgres(work / "postgres").start()
    yield server
    with contextlib.suppress(AssertionError):
        server.call("stop")


def load_command(server: Server, *arguments: Any) -> list[str]:
    pinned = ["taskset", "-c", "1"] if TWO_PROCESSORS else []
    return [*pinned, str(BIN / "assay-load"), "--server", server.address, *[str(a) for a in arguments]]


def load(server: Server, *arguments: Any, code: int = 0) -> Any:
    """Runs assay-load to its end and returns its figures."""
    report = server.work / "load.json"
    run(*load_command(server, *arguments, "--json", report), code=code)
    return json.loads(report.read_text())


needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the shared data is not at {SHARED} (set ASSAY_SHARED)")
