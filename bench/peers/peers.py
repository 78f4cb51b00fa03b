"""The servers that are compared: how each is installed, started, loaded and checked."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = Path(os.environ.get("ASSAY_BENCH_PEERS", ROOT / ".build" / "peers"))
BIN = Path(os.environ.get("ASSAY_BIN", ROOT / ".build" / "release"))
MODEL = ROOT / "bench/train/out/cards/model-1.json"
BUNDLE = ROOT / "bench/bundles/cards-1.assay"
ROWS = ROOT / "bench/train/cards_rows.npy"
FEATURES = 30
ROW_COUNT = 1_000
# Rows whose scores are compared before a peer is measured.
CHECKED_ROW_COUNT = 8
# A Score request of 30 features and its header: what the echo moves.
FRAME_BYTES = 150
# A server of Python may take a minute to start on a busy machine.
START_SECONDS = 180


class Unavailable(Exception):
    """A peer can't be had or does not do what it should; the message says why."""


def without_cgroup_v1() -> list[str]:
    """The prefix that hides the processor quota of cgroup v1 from a command, where there is one and we may.

    XGBoost reads it from two files at each prediction, which takes a third of 1.7.6's time and more. A host of today has none (cgroup v2), so a peer
    must not pay for the one that we measure on.
    """
    if not Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").exists() or os.geteuid() != 0:
        return []
    return ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"', "sh"]


@dataclass
class Load:
    replies: int
    per_second: float
    p50: float
    p99: float
    p99_9: float
    own_microseconds: float
    first_reply: str = ""


class Server:
    """A running server and what it started, pinned to processor 0; a session of its own, so that all of it is counted and stopped."""

    def __init__(self, command: list[object], port: int, log: Path, directory: Optional[Path] = None, **environment: str) -> None:
        self.port = port
        self.log = log
        self.process = subprocess.Popen(
            [*without_cgroup_v1(), "taskset", "-c", "0", *[str(part) for part in command]], stdout=log.open("wb"), stderr=subprocess.STDOUT,
            start_new_session=True, cwd=directory, env={**os.environ, **environment},
        )

    def wait(self, is_ready: object) -> "Server":
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError):
                if is_ready():  # type: ignore[operator]
                    return self
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                last = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()][-1:] or ["no output"]
                raise Unavailable(f"it does not start: {last[0][:200]}")
            time.sleep(0.05)

    def accepts(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True

    def processes(self) -> dict[int, list[str]]:
        """The fields of /proc/PID/stat of the server and of everything that it started, in whatever session."""
        stats: dict[int, list[str]] = {}
        for file in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                stats[int(file.parent.name)] = file.read_text().rsplit(") ", 1)[1].split()
        own = {self.process.pid}
        # Children have larger numbers than their parents but where these wrap: until nothing is added.
        while added := {pid for pid, fields in stats.items() if pid not in own and (int(fields[1]) in own or int(fields[3]) in own)}:
            own |= added
        return {pid: stats[pid] for pid in own if pid in stats}

    def processor_seconds(self) -> float:
        return sum(int(fields[11]) + int(fields[12]) for fields in self.processes().values()) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """Ends it, and what outlives it."""
        processes = self.processes()
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def call(*command: object, **options: object) -> str:
    """Runs a command; its last line of complaint is why the peer is unavailable."""
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=1800, **options)  # type: ignore[call-overload]
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(str(error)) from None
    if done.returncode != 0:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise Unavailable(f"{Path(str(command[0])).name}: {(lines or ['exit code ' + str(done.returncode)])[-1][:200]}")
    return str(done.stdout)


def run_load(*command: object) -> Load:
    words = call("taskset", "-c", "1", *command).split()
    return Load(int(words[0]), *[float(word) for word in words[1:6]], first_reply="".join(words[6:]))


# -- What several peers need


def environment(name: str) -> Path:
    """The Python of a peer's environment, installed as requirements.txt says."""
    line = next(words for words in map(str.split, (HERE / "requirements.txt").read_text().splitlines()) if words and words[0] == name)
    folder, stamp = WORK / name, WORK / f"{name}.installed"
    python = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != " ".join(line):
        print(f"peers: installing {name}", file=sys.stderr)
        if not python.exists():
            venv.create(folder, with_pip=True)
        split = line.index("--")
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        call(*pip, *line[1:split])
        call(*pip, "--no-deps", *line[split + 1:])
        stamp.write_text(" ".join(line))
    return python


def xgboost_library(version: str) -> Path:
    """libxgboost.so of a version's wheel."""
    target = WORK / f"xgboost-{version}"
    library = target / "xgboost" / "lib" / "libxgboost.so"
    if not library.exists():
        print(f"peers: installing the library of XGBoost {version}", file=sys.stderr)
        call(sys.executable, "-m", "venv", WORK / "pip")
        call(WORK / "pip/bin/python", "-m", "pip", "install", "-q", "--no-deps", "--target", target, f"xgboost=={version}")
    return library


def compiled(name: str, sources: list[str], command: list[object]) -> Path:
    program = WORK / name
    if not program.exists() or program.stat().st_mtime < max((HERE / source).stat().st_mtime for source in sources):
        print(f"peers: compiling {name}", file=sys.stderr)
        call(*command, "-o", program)
    return program


def compiled_grpc(name: str) -> Path:
    flags = call("pkg-config", "--cflags", "--libs", "grpc++", "protobuf").split()
    sources: list[object] = [HERE / f"{name}.cc"]
    if name == "grpc_server":
        plugin = call("sh", "-c", "command -v grpc_cpp_plugin").strip()
        call("protoc", "-I", HERE, f"--cpp_out={WORK}", f"--grpc_out={WORK}", f"--plugin=protoc-gen-grpc={plugin}", HERE / "score.proto")
        sources += [WORK / "score.pb.cc", WORK / "score.grpc.pb.cc"]
    inputs = [f"{name}.cc", *(["score.proto", "xgboost_model.h"] if name == "grpc_server" else [])]
    return compiled(name, inputs, ["c++", "-std=c++17", "-O2", f"-I{WORK}", f"-I{HERE}", *sources, *flags, "-ldl", "-lgrpc++"])


def rows() -> list[list[float]]:
    """The first rows of the file, without numpy: little-endian float32, C order."""
    data = ROWS.read_bytes()
    start = 10 + struct.unpack_from("<H", data, 8)[0]
    header = data[10:start].decode()
    assert "'<f4'" in header and f", {FEATURES})" in header, header
    count = min(ROW_COUNT, (len(data) - start) // 4 // FEATURES)
    return [list(struct.unpack_from(f"<{FEATURES}f", data, start + index * FEATURES * 4)) for index in range(count)]


def expected_scores(python: Path) -> list[float]:
    """What XGBoost itself says of the first rows."""
    code = (
        f"import json,sys,numpy,xgboost;rows=numpy.load(sys.argv[2])[:{CHECKED_ROW_COUNT}].astype('float32');"
        "print(json.dumps(xgboost.Booster(model_file=sys.argv[1]).inplace_predict(rows,validate_features=False).tolist()))"
    )
    return [float(score) for score in json.loads(call(python, "-c", code, MODEL, ROWS))]


def varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field of a protobuf message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def message_file(name: str, messages: list[bytes]) -> Path:
    path = WORK / name
    path.write_bytes(b"".join(struct.pack("<I", len(message)) + message for message in messages))
    return path


def body_file() -> Path:
    path = WORK / "bodies.jsonl"
    lines = [json.dumps({"features": [None if value != value else value for value in row]}) for row in rows()]
    path.write_text("\n".join(lines) + "\n")
    return path


# -- The peers


class Peer:
    name = ""
    title = ""
    # Whether a connection carries several requests at a time.
    pipelines = True
    # Whether it needs what `script/bootstrap --peers` installs.
    needs_packages = True

    def prepare(self) -> None:
        """Installs and compiles; raises Unavailable."""

    def version(self) -> str:
        return ""

    def start(self, work: Path) -> Server:
        raise NotImplementedError

    def check(self, server: Server) -> None:
        """Raises Unavailable when the server does not answer as the model does."""

    def load(self, server: Server, connections: int, depth: int, seconds: float) -> Load:
        raise NotImplementedError


class Echo(Peer):
    name = "echo"
    title = "bare C epoll echo (the limit)"
    needs_packages = False

    def prepare(self) -> None:
        WORK.mkdir(parents=True, exist_ok=True)
        for program in ("echo", "echo-client"):
            source = f"../echo/{program}.c"
            compiled(program, [source], ["cc", "-O3", HERE / source, "-lpthread"])

    def start(self, work: Path) -> Server:
        port = free_port()
        server = Server([WORK / "echo", port], port, work / "log")
        return server.wait(server.accepts)

    def load(self, server: Server, connections: int, depth: int, seconds: float) -> Load:
        before = os.times()
        words = [float(word) for word in call("taskset", "-c", "1", WORK / "echo-client", server.port, connections, depth, seconds, FRAME_BYTES).split()]
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        return Load(int(words[0] * seconds), words[0], words[1], words[2], words[3], used * 1e6 / max(1.0, words[0] * seconds))


class Assay(Peer):
    name = "assay"
    title = "Assay, journal on"
    needs_packages = False

    def prepare(self) -> None:
        for program in ("assay", "assay-load"):
            if not (BIN / program).exists():
                raise Unavailable(f"{BIN / program} is not there: swift build -c release --product {program}")

    def version(self) -> str:
        return call(BIN / "assay", "--version").strip()

    def start(self, work: Path) -> Server:
        registry = work / "registry"
        call(BIN / "assay", "registry", "push", BUNDLE, "--registry", registry, "--alias", "champion")
        port = free_port()
        options = ["--journal", work / "journal", "--listen", f"127.0.0.1:{port}", "--http", "127.0.0.1:0", "--workers", 1]
        server = Server([BIN / "assay", "serve", "--registry", registry, *options], port, work / "log")
        return server.wait(server.accepts)

    def check(self, server: Server) -> None:
        self._run(server, "--requests", ROW_COUNT, "--verify")

    def load(self, server: Server, connections: int, depth: int, seconds: float) -> Load:
        figures = self._run(server, "--connections", connections, "--depth", depth, "--duration", seconds)
        latency = figures["latency_ns"]
        return Load(
            figures["replies"], figures["requests_per_second"], latency["p50"] / 1e3, latency["p99"] / 1e3, latency["p99_9"] / 1e3,
            figures["processor_ns_per_request"] / 1e3,
        )

    def _run(self, server: Server, *options: object) -> dict:
        command = [BIN / "assay-load", "--server", f"127.0.0.1:{server.port}", "--bundle", "cards", "--rows", ROWS, *options, "--json", "-"]
        return json.loads(call("taskset", "-c", "1", *command))


class CPlusPlus(Peer):
    METHOD = "/peer.Scorer/Score"

    def __init__(self, version: str) -> None:
        self.name = f"grpc-xgboost-{version}"
        self.title = f"C++ gRPC async, XGBoost {version}"
        self.xgboost = version

    def prepare(self) -> None:
        WORK.mkdir(parents=True, exist_ok=True)
        self.library = xgboost_library(self.xgboost)
        compiled_grpc("grpc_server")
        compiled_grpc("grpc_client")
        self.messages = message_file("score.messages", [self._request(row) for row in rows()])
        self.model = MODEL
        if self.xgboost.startswith("1."):
            # XGBoost 1.7 reads base_score as a number, 3.2 writes a list of one.
            content = json.loads(MODEL.read_text())
            parameters = content["learner"]["learner_model_param"]
            parameters["base_score"] = parameters["base_score"].strip("[]")
            self.model = WORK / "model-1.7.json"
            self.model.write_text(json.dumps(content))
        self.expected = expected_scores(environment("fastapi"))

    def version(self) -> str:
        return f"gRPC {call('pkg-config', '--modversion', 'grpc++').strip()}, XGBoost {self.xgboost}"

    @staticmethod
    def _request(row: list[float]) -> bytes:
        return field(1, struct.pack(f"<{FEATURES}f", *row))

    def start(self, work: Path) -> Server:
        port = free_port()
        server = Server([WORK / "grpc_server", port, self.library, self.model, FEATURES], port, work / "log", OMP_NUM_THREADS="1")
        return server.wait(server.accepts)

    def check(self, server: Server) -> None:
        for number, (row, expected) in enumerate(zip(rows(), self.expected)):
            reply = first_reply(server, self.METHOD, self._request(row))
            check_score(number, struct.unpack_from("<f", reply, 1)[0], expected)

    def load(self, server: Server, connections: int, depth: int, seconds: float) -> Load:
        return run_load(WORK / "grpc_client", server.port, self.METHOD, self.messages, connections, depth, seconds)


class MLServer(Peer):
    name = "mlserver"
    title = "MLServer over gRPC, XGBoost 3.2"
    METHOD = "/inference.GRPCInferenceService/ModelInfer"

    def prepare(self) -> None:
        WORK.mkdir(parents=True, exist_ok=True)
        self.python = environment("mlserver")
        compiled_grpc("grpc_client")
        self.messages = message_file("mlserver.messages", [self._request(row) for row in rows()])
        self.expected = expected_scores(environment("fastapi"))

    def version(self) -> str:
        return call(self.python, "-c", "import importlib.metadata as m;print('MLServer', m.version('mlserver'))").strip()

    @staticmethod
    def _request(row: list[float]) -> bytes:
        """An inference.ModelInferRequest."""
        contents = field(6, struct.pack(f"<{FEATURES}f", *row))
        shape = field(3, varint(1) + varint(FEATURES))
        tensor = field(1, b"rows") + field(2, b"FP32") + shape + field(5, contents)
        return field(1, b"cards") + field(5, tensor)

    def start(self, work: Path) -> Server:
        port = free_port()
        settings = {"host": "127.0.0.1", "http_port": free_port(), "grpc_port": port, "metrics_port": free_port(), "parallel_workers": 0,
                    "logging_settings": {"version": 1, "root": {"level": "ERROR"}}}
        (work / "settings.json").write_text(json.dumps(settings))
        model = {"name": "cards", "implementation": "mlserver_xgboost.XGBoostModel", "parameters": {"uri": str(MODEL)}}
        # The runtime wants a folder of the model's name.
        (work / "cards").mkdir()
        (work / "cards" / "model-settings.json").write_text(json.dumps(model))
        server = Server([self.python.parent / "mlserver", "start", work], port, work / "log", OMP_NUM_THREADS="1")
        ready = f"http://127.0.0.1:{settings['http_port']}/v2/models/cards/ready"
        return server.wait(lambda: urllib.request.urlopen(ready, timeout=5).status == 200)

    def check(self, server: Server) -> None:
        for number, (row, expected) in enumerate(zip(rows(), self.expected)):
            reply = first_reply(server, self.METHOD, self._request(row))
            # The contents, one float32, are the last field.
            check_score(number, struct.unpack("<f", reply[-4:])[0], expected)

    def load(self, server: Server, connections: int, depth: int, seconds: float) -> Load:
        return run_load(WORK / "grpc_client", server.port, self.METHOD, self.messages, connections, depth, seconds)


class OverHTTP(Peer):
    pipelines = False

    def prepare(self) -> None:
        WORK.mkdir(parents=True, exist_ok=True)
        self.python = environment(self.name)
        compiled("http_client", ["http_client.c"], ["cc", "-O2", HERE / "http_client.c"])
        self.bodies = body_file()
        self.expected = expected_scores(self.python)

    def version(self) -> str:
        return call(self.python, "-c", f"import importlib.metadata as m;print('{self.name}', m.version('{self.name}'))").strip()

    def command(self, port: int) -> list[object]:
        raise NotImplementedError

    def start(self, work: Path) -> Server:
        port = free_port()
        environment = {"PEER_MODEL": str(MODEL), "OMP_NUM_THREADS": "1", "BENTOML_HOME": str(work), "BENTOML_DO_NOT_TRACK": "1"}
        server = Server(self.command(port), port, work / "log", HERE, PYTHONDONTWRITEBYTECODE="1", **environment)
        return server.wait(lambda: self._score(server, 0) is not None)

    def _score(self, server: Server, number: int) -> float:
        body = self.bodies.read_bytes().split(b"\n")[number]
        request = urllib.request.Request(f"http://127.0.0.1:{server.port}/score", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            return float(json.load(reply)["score"])

    def check(self, server: Server) -> None:
        for number, expected in enumerate(self.expected):
            check_score(number, self._score(server, number), expected)

    def load(self, server: Server, connections: int, depth: int, seconds: float) -> Load:
        return run_load(WORK / "http_client", server.port, "/score", self.bodies, connections, seconds)


class FastAPI(OverHTTP):
    name = "fastapi"
    title = "FastAPI, uvicorn, XGBoost 3.2"

    def command(self, port: int) -> list[object]:
        options = ["--port", port, "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
        return [self.python, "-m", "uvicorn", "fastapi_server:app", *options]


class BentoML(OverHTTP):
    name = "bentoml"
    title = "BentoML, XGBoost 3.2"

    def command(self, port: int) -> list[object]:
        return [self.python, "-m", "bentoml", "serve", "bentoml_service:Scorer", "--host", "127.0.0.1", "--port", port, "-q"]


def first_reply(server: Server, method: str, message: bytes) -> bytes:
    """What a gRPC server answers to a message."""
    return bytes.fromhex(run_load(WORK / "grpc_client", server.port, method, message_file("one.messages", [message]), 1, 1, 0.01).first_reply)


def check_score(number: int, score: float, expected: float) -> None:
    if abs(score - expected) > 1e-6:
        raise Unavailable(f"it scores row {number} {score}, XGBoost says {expected}")


ALL: list[Peer] = [Echo(), Assay(), CPlusPlus("1.7.6"), CPlusPlus("3.2.0"), FastAPI(), BentoML(), MLServer()]
