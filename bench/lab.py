"""What the measurements and fault runs share: a server, a PostgreSQL, a load, each a real process of its own in a directory of the run."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from typing import Any, Callable, Optional

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = pathlib.Path(os.environ.get("ASSAY_BIN", ROOT / ".build" / "release"))
ROWS = ROOT / "bench/train/cards_rows.npy"
RESULTS = pathlib.Path(os.environ.get("ASSAY_BENCH_RESULTS", ROOT / "bench/results"))


def call(*command: Any, **options: Any) -> str:
    """Runs a command to its end; its standard output. What it complained of is shown when it fails."""
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit {result.returncode}\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}")
    return result.stdout.strip()


def wait_for(what: str, condition: Callable[[], Any], seconds: float = 300) -> Any:
    """Polls until `condition` gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:g} s still waiting for {what}")
        time.sleep(0.05)


def pinned(processor: Optional[int]) -> list[str]:
    """The prefix that keeps a command on one processor, where there is more than one."""
    if processor is None or (os.cpu_count() or 1) < 2 or shutil.which("taskset") is None:
        return []
    return ["taskset", "-c", str(processor)]


def enter_environment() -> None:
    """Goes on in the Python that script/bootstrap has installed, with the client of this repository, numpy and XGBoost."""
    python = ROOT / ".build/venv/bin/python"
    if python.exists() and pathlib.Path(sys.prefix) != python.parents[1]:
        os.execv(python, [str(python), *sys.argv])
    sys.path.insert(0, str(ROOT / "clients/python/src"))


def machine() -> dict[str, Any]:
    """What every line of results carries."""
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    command = shlex.join([os.path.relpath(sys.argv[0], ROOT), *sys.argv[1:]])
    moment = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    return {
        "time": moment, "machine": model, "processors": os.cpu_count(), "kernel": platform.release(), "commit": commit or "?", "command": command,
    }


def keep(name: str, about: dict[str, Any], lines: list[dict[str, Any]]) -> pathlib.Path:
    """Appends results to bench/results/NAME.jsonl, a line each, with what `machine` says of the run; the file."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / f"{name}.jsonl"
    with file.open("a") as output:
        output.writelines(json.dumps({**about, **line}) + "\n" for line in lines)
    return file


class Server:
    """One `assay serve` with the cards bundle, on the first processor."""

    def __init__(self, work: pathlib.Path, *options: Any, name: str = "server") -> None:
        self.journal = work / f"{name}-journal"
        self.registry = work / "registry"
        self.log = work / f"{name}.log"
        self.rings = pathlib.Path(tempfile.mkdtemp(prefix="assay-bench-", dir="/dev/shm"))
        if not self.registry.exists():
            bundle = ROOT / "bench/bundles/cards-1.assay"
            call(BIN / "assay", "registry", "push", bundle, "--registry", self.registry, "--alias", "champion", "--why", "measurement")
        command: list[Any] = [*pinned(0), BIN / "assay", "serve", "--registry", self.registry, "--journal", self.journal]
        command += ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--workers", 1, "--ring-directory", self.rings]
        command += ["--log-format", "json", *options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([str(part) for part in command], stderr=log, stdout=log)
        entry = wait_for("the server", self.serving)
        self.address = f"127.0.0.1:{entry['port']}"
        self.http = f"127.0.0.1:{entry['http_port']}"

    def serving(self) -> Optional[dict[str, Any]]:
        if self.process.poll() is not None:
            sys.exit(f"the server ended: {self.log.read_text()[-3000:]}")
        for line in self.log.read_text(errors="replace").splitlines():
            if line.startswith("{") and line.endswith("}") and json.loads(line).get("message") == "serving":
                return json.loads(line)  # type: ignore[no-any-return]
        return None

    def metrics(self) -> dict[str, float]:
        """The figures without labels."""
        with urllib.request.urlopen(f"http://{self.http}/metrics", timeout=60) as reply:
            text = reply.read().decode()
        return {name: float(value) for name, value in re.findall(r"^([a-z_]+) (\S+)$", text, re.MULTILINE)}

    def processor_seconds(self) -> float:
        """Of all its threads, in user and kernel, to the microsecond where the kernel tells (schedstat), else in ticks."""
        total = 0
        try:
            for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
            return total / 1e9
        except (OSError, IndexError):
            fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def thread_seconds(self) -> dict[str, float]:
        """Processor time by thread name."""
        seconds: dict[str, float] = {}
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            name = (task / "comm").read_text().strip()
            seconds[name] = seconds.get(name, 0) + int((task / "schedstat").read_text().split()[0]) / 1e9
        return seconds

    def stop(self) -> None:
        """Drains and ends it; the journal stays."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=120)
        shutil.rmtree(self.rings, ignore_errors=True)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.rings, ignore_errors=True)


class Postgres:
    """A PostgreSQL of the run's own, on the second processor at the lowest priority, as if it had a machine of its own."""

    SCRIPT = ROOT / "script/private-postgres"

    def __init__(self, work: pathlib.Path, processor: Optional[int] = 1, nice: int = 0) -> None:
        self.directory = work / "postgres"
        self.prefix, self.nice = pinned(processor), nice
        self.url = ""
        self.start()

    def start(self) -> None:
        self.url = call(*self.prefix, self.SCRIPT, "start", self.directory)
        if self.nice:
            # Its backends inherit it; starting up is nobody's loss.
            postmaster = (self.directory / "data/postmaster.pid").read_text().splitlines()[0]
            children = pathlib.Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
            for process in [postmaster, *children]:
                with contextlib.suppress(ProcessLookupError):
                    os.setpriority(os.PRIO_PROCESS, int(process), self.nice)

    def stop(self) -> None:
        subprocess.run([self.SCRIPT, "stop", self.directory], capture_output=True, check=False)

    def crash(self) -> None:
        """Postmaster and children at once, as when the power fails."""
        call(self.SCRIPT, "crash", self.directory)

    @property
    def socket(self) -> str:
        return f"{self.directory}/.s.PGSQL.5432"

    def query(self, sql: str) -> str:
        return call("psql", self.url, "-XAtqc", sql)


class Load:
    """An assay-load on the second processor, until `finish` or its own end; `codes`: the ends that are none of an error here."""

    def __init__(
        self, server: Server, work: pathlib.Path, *options: Any, name: str = "load", bundle: str = "cards", rows: pathlib.Path = ROWS,
        codes: tuple[int, ...] = (0,),
    ) -> None:
        self.codes = codes
        self.report = work / f"{name}.json"
        self.errors = work / f"{name}.log"
        command: list[Any] = [*pinned(1), BIN / "assay-load", "--server", server.address, "--bundle", bundle, "--rows", rows]
        command += ["--json", self.report, *options]
        with self.errors.open("wb") as log:
            self.process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)

    def wait(self) -> dict[str, Any]:
        code = self.process.wait()
        if code not in self.codes:
            sys.exit(f"assay-load: exit {code}: {self.errors.read_text()[-2000:]}")
        return json.loads(self.report.read_text())  # type: ignore[no-any-return]

    def finish(self) -> dict[str, Any]:
        """Ends it early; its figures."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()
