"""The wire protocol behind TLS: the same answers, and what TLS adds that can go wrong."""

from __future__ import annotations

import asyncio
import json
import pathlib
import signal
import socket
import ssl
import struct
import threading
import time
from typing import Any, Optional

import assay
import pytest
from conftest import Server, run, set_alias, with_demo_bundles

PATIENCE_SECONDS = 30


def row(number: int) -> list[float]:
    return [((number * 31 + column * 17) % 97) / 13.0 - 3.0 for column in range(30)]


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, directory: pathlib.Path, name: str) -> None:
        self.directory = directory
        self.certificate = directory / f"{name}.pem"
        self.key = directory / f"{name}.key"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2, "-subj", f"/CN={name}",
            "-keyout", self.key, "-out", self.certificate)

    def issue(self, name: str) -> tuple[pathlib.Path, pathlib.Path]:
        """Certificate and key for localhost and 127.0.0.1, under `name`."""
        key, request, certificate = (self.directory / f"{name}.{end}" for end in ("key", "csr", "pem"))
        names = self.directory / "names"
        names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", key,
            "-out", request)
        run("openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days", 2,
            "-extfile", names, "-out", certificate)
        return certificate, key

    def trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


@pytest.fixture
def authority(work: pathlib.Path) -> Authority:
    return Authority(work, "authority")


class TLSServer:
    def __init__(self, server: Server, authority: Authority) -> None:
        self.server, self.authority = server, authority
        entries = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
        self.port = int([entry for entry in entries if entry["message"] == "serving"][-1]["tls_port"])

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def client(self, context: Optional[ssl.SSLContext] = None) -> assay.Client:
        return assay.Client(self.address, timeout=PATIENCE_SECONDS, tls=context or self.authority.trusted())

    def metric(self, name: str) -> float:
        lines = [line for line in self.server.get("/metrics")[1].splitlines() if line.startswith(name + " ")]
        assert len(lines) == 1, name
        return float(lines[0].split()[1])

    def wait_for(self, name: str, value: float) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.metric(name) != value:
            assert time.monotonic() < deadline, f"{name} stays {self.metric(name)}, not {value}"
            time.sleep(0.05)


@pytest.fixture
def serve(make_server: Any, authority: Authority) -> Any:
    def start(*options: Any) -> TLSServer:
        certificate, key = authority.issue("server")
        server = make_server("--tls-listen", "127.0.0.1:0", "--tls-certificate", certificate, "--tls-key", key, *options)
        return TLSServer(with_demo_bundles(server), authority)

    return start


def ended(connection: socket.socket) -> bool:
    """Whether the server ends the connection, cleanly or not."""
    connection.settimeout(PATIENCE_SECONDS)
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


# -- The same answers


def test_scores_over_tls_are_those_of_a_plain_connection_bit_for_bit(serve: Any) -> None:
    tls = serve()
    with tls.server.client() as plain, tls.client() as encrypted:
        for number in range(200):
            expected, got = plain.score("cards", row(number)), encrypted.score("cards", row(number))
            assert struct.pack("d", got.score) == struct.pack("d", expected.score)
            assert (got.outcome, got.version, got.digest) == (expected.outcome, expected.version, expected.digest)
    tls.server.terminate()
    tls.server.verify_journal()
    assert len(tls.server.dump_journal()) == 400


def test_a_batch_of_ten_thousand_rows_goes_through_tls(serve: Any) -> None:
    tls = serve()
    rows = [row(number) for number in range(10_000)]
    with tls.server.client() as plain, tls.client() as encrypted:
        expected, got = plain.score_batch("cards", rows), encrypted.score_batch("cards", rows)
    assert list(got.scores) == list(expected.scores)


def test_pipelined_requests_and_control_requests_are_all_answered(serve: Any) -> None:
    tls = serve()

    async def ask() -> list[Any]:
        async with assay.AsyncClient(tls.address, timeout=PATIENCE_SECONDS, tls=tls.authority.trusted()) as client:
            decisions = await asyncio.gather(*(client.score("cards", row(number)) for number in range(2_000)))
            records = await asyncio.gather(*(client.get_decision(decision.audit_sequence) for decision in decisions[:100]))
            assert [record.sequence for record in records] == [decision.audit_sequence for decision in decisions[:100]]
            bundle = await client.fetch_bundle("bitcoin")
            assert len(bundle.data) > 100_000
            return list(decisions)

    decisions = asyncio.run(ask())
    with tls.server.client() as plain:
        assert [decision.score for decision in decisions[:50]] == [plain.score("cards", row(number)).score for number in range(50)]


def test_replies_that_wait_for_the_disk_come_over_tls(serve: Any) -> None:
    tls = serve()

    async def ask() -> list[Any]:
        async with assay.AsyncClient(tls.address, timeout=PATIENCE_SECONDS, tls=tls.authority.trusted()) as client:
            return list(await asyncio.gather(*(client.score("cards", row(number), durability="disk") for number in range(200))))

    decisions = asyncio.run(ask())
    tls.server.kill()
    # Whatever the process held in memory, the journal's files alone have them.
    kept = {int(record["sequence"]) for record in tls.server.dump_journal()}
    assert {decision.audit_sequence for decision in decisions} <= kept
    tls.server.start()


def test_a_swap_reaches_tls_connections_while_they_score(serve: Any) -> None:
    tls = serve()
    versions: list[int] = []
    stop = threading.Event()

    def score() -> None:
        with tls.client() as client:
            while not stop.is_set():
                versions.append(client.score("cards", row(1)).version)

    thread = threading.Thread(target=score)
    thread.start()
    try:
        for version in (2, 1, 2):
            set_alias(tls.server.registry, "cards", version)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not versions or versions[-1] != version:
                assert thread.is_alive() and time.monotonic() < deadline, "the swap does not arrive"
                time.sleep(0.01)
    finally:
        stop.set()
        thread.join()
    assert set(versions) == {1, 2}


def test_alias_moves_are_taken_from_loopback(serve: Any) -> None:
    tls = serve()
    with tls.client() as client:
        assert client.set_alias("cards", "champion", 2, who="test", why="test").version == 2
        assert client.score("cards", row(1)).version == 2


# -- The end


def test_a_drain_answers_what_has_arrived_and_ends_in_order(serve: Any) -> None:
    tls = serve("--drain-seconds", 30)
    answered: list[int] = []
    failures: list[BaseException] = []

    def score() -> None:
        with tls.client() as client:
            while True:
                try:
                    answered.append(client.score("cards", row(2)).audit_sequence)
                except (assay.ConnectionLost, assay.Unavailable) as error:
                    failures.append(error)
                    return

    threads = [threading.Thread(target=score) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(answered) < 200:
        time.sleep(0.01)
    tls.server.terminate()
    for thread in threads:
        thread.join()
    assert len(failures) == 4
    recorded = {int(record["sequence"]) for record in tls.server.dump_journal()}
    assert set(answered) <= recorded
    # Each connection can have lost the reply to one request at most.
    assert len(recorded) <= len(answered) + 4
    tls.server.verify_journal()


def test_tls_switched_on_after_a_crash_takes_over_the_rings_of_before(make_server: Any, authority: Authority) -> None:
    server = with_demo_bundles(make_server())
    with server.client() as client:
        before = [client.score("cards", row(number)).audit_sequence for number in range(50)]
    server.kill()
    certificate, key = authority.issue("server")
    server.options += ["--tls-listen", "127.0.0.1:0", "--tls-certificate", str(certificate), "--tls-key", str(key)]
    with TLSServer(server.start(), authority).client() as client:
        after = [client.score("cards", row(number)).audit_sequence for number in range(50)]
    server.kill()
    del server.options[-6:]
    server.start()
    server.terminate()
    server.verify_journal()
    assert set(before + after) <= {record["sequence"] for record in server.dump_journal()}


# -- Who is refused


def test_a_client_that_does_not_trust_the_authority_refuses_the_server(serve: Any, work: pathlib.Path) -> None:
    tls = serve()
    stranger = Authority(work, "stranger")
    for context in (stranger.trusted(), ssl.create_default_context()):
        with tls.client(context) as client, pytest.raises(assay.ConnectionLost) as lost:
            client.health()
        assert lost.value.reason == "TLS_FAILED" and not lost.value.maybe_executed
    with assay.Client(tls.address, timeout=PATIENCE_SECONDS, tls=True) as client, pytest.raises(assay.ConnectionLost):
        client.health()
    tls.wait_for("assay_tls_handshakes_failed_total", 3)
    with tls.client() as client:
        assert client.health().ready


def test_only_callers_with_a_certificate_of_the_client_authority_are_served(
    make_server: Any, authority: Authority, work: pathlib.Path
) -> None:
    callers = Authority(work, "callers")
    certificate, key = authority.issue("server")
    server = make_server(
        "--tls-listen", "127.0.0.1:0", "--tls-certificate", certificate, "--tls-key", key, "--tls-client-ca", callers.certificate)
    tls = TLSServer(with_demo_bundles(server), authority)
    known = authority.trusted()
    known.load_cert_chain(*map(str, callers.issue("payments")))
    unknown = authority.trusted()
    unknown.load_cert_chain(*map(str, authority.issue("impostor")))
    with tls.client(known) as client:
        assert client.score("cards", row(3)).audit_sequence == 1
    for context in (unknown, authority.trusted()):
        with tls.client(context) as client, pytest.raises(assay.ConnectionLost) as lost:
            client.health()
        assert not lost.value.maybe_executed
    with tls.client(known) as client:
        assert client.score("cards", row(3)).audit_sequence == 2


def test_plain_text_to_the_tls_port_is_refused_and_harms_nobody(serve: Any) -> None:
    tls = serve()
    with tls.client() as client:
        before = client.score("cards", row(4))
        for text in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 4096, b"\x16\x03\x01\xff\xff" + b"a" * 70_000):
            with socket.create_connection(("127.0.0.1", tls.port)) as connection:
                try:
                    connection.sendall(text)
                except ConnectionError:
                    pass
                assert ended(connection)
        with pytest.raises(assay.AssayError), assay.Client(tls.address, timeout=PATIENCE_SECONDS) as plain:
            plain.health()
        after = client.score("cards", row(4))
    assert after.score == before.score
    tls.wait_for("assay_tls_handshakes_failed_total", 4)
    tls.wait_for("assay_tls_connections_open", 0)


def test_old_versions_of_tls_are_refused(serve: Any) -> None:
    tls = serve()
    context = tls.authority.trusted()
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
    with tls.client(context) as client:
        assert client.health().ready
    result = run("openssl", "s_client", "-connect", tls.address, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", code=None, input="")
    assert result.returncode != 0


def test_a_frame_that_breaks_the_contract_is_answered_and_ends_its_connection(serve: Any) -> None:
    tls = serve()
    with tls.authority.trusted().wrap_socket(
        socket.create_connection(("127.0.0.1", tls.port)), server_hostname="127.0.0.1"
    ) as connection:
        connection.sendall(b"\xff" * 64)
        connection.settimeout(PATIENCE_SECONDS)
        answer = b""
        while more := connection.recv(65536):
            answer += more
    assert b"FRAME" in answer
    tls.wait_for("assay_frames_bad_total", 1)


# -- Time and room


def test_a_handshake_a_frame_and_a_silence_that_take_too_long_are_ended(serve: Any) -> None:
    tls = serve("--partial-frame-timeout-seconds", 1, "--idle-timeout-seconds", 2)
    half_open = socket.create_connection(("127.0.0.1", tls.port))
    half_hello = socket.create_connection(("127.0.0.1", tls.port))
    half_hello.sendall(b"\x16\x03\x01\x01\x00\x01")
    context = tls.authority.trusted()
    half_frame = context.wrap_socket(socket.create_connection(("127.0.0.1", tls.port)), server_hostname="127.0.0.1")
    half_frame.sendall(b"\x40\x00")
    silent = context.wrap_socket(socket.create_connection(("127.0.0.1", tls.port)), server_hostname="127.0.0.1")
    for connection in (half_open, half_hello, half_frame, silent):
        assert ended(connection)
        connection.close()
    _, page = tls.server.wait_until("/metrics", lambda status, body: "assay_tls_connections_open 0\n" in body)
    for cause, count in (("handshake_timeout", 2), ("partial_frame_timeout", 1), ("idle_timeout", 1)):
        assert f'assay_connections_closed_total{{cause="{cause}"}} {count}\n' in page


def test_a_caller_that_takes_no_replies_is_not_read_from_and_then_cut_off(serve: Any) -> None:
    tls = serve("--write-stall-timeout-seconds", 1)
    with tls.client() as client:
        # Large replies to small requests.
        frame = assay._frames.encode_frame(assay._proto.assay.v1.assay_pb2.Request(id=1, list_models={}).SerializeToString())
        greedy = tls.authority.trusted().wrap_socket(socket.create_connection(("127.0.0.1", tls.port)), server_hostname="127.0.0.1")
        greedy.settimeout(PATIENCE_SECONDS)
        before = tls.server.resident_bytes()
        with pytest.raises(OSError):
            while True:
                greedy.sendall(frame * 1_000)
        assert tls.server.resident_bytes() - before < 64 << 20
        assert client.score("cards", row(5)).audit_sequence == 1
        greedy.close()
    page = tls.server.get("/metrics")[1]
    assert 'assay_connections_closed_total{cause="write_stall_timeout"} 1\n' in page


def test_connections_beyond_the_limit_are_refused_and_room_comes_back(serve: Any) -> None:
    tls = serve("--connections-max", 4)
    context = tls.authority.trusted()
    open_ones = [
        context.wrap_socket(socket.create_connection(("127.0.0.1", tls.port)), server_hostname="127.0.0.1") for _ in range(4)
    ]
    with pytest.raises(OSError):
        context.wrap_socket(socket.create_connection(("127.0.0.1", tls.port)), server_hostname="127.0.0.1")
    open_ones.pop().close()
    tls.wait_for("assay_tls_connections_open", 3)
    with tls.client() as client:
        assert client.health().ready
    for connection in open_ones:
        connection.close()


# -- Certificates


def test_sighup_takes_a_new_certificate_and_keeps_the_old_one_when_it_is_damaged(serve: Any, work: pathlib.Path) -> None:
    tls = serve()
    first = ssl.get_server_certificate(("127.0.0.1", tls.port))
    with tls.client() as client:
        assert client.health().ready
        tls.authority.issue("server")
        tls.server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while ssl.get_server_certificate(("127.0.0.1", tls.port)) == first:
            assert time.monotonic() < deadline, "the new certificate does not arrive"
            time.sleep(0.05)
        # The connection of before goes on.
        assert client.health().ready
    second = ssl.get_server_certificate(("127.0.0.1", tls.port))
    (work / "server.pem").write_text("no certificate")
    tls.server.process.send_signal(signal.SIGHUP)
    while "the certificate stays as it was" not in tls.server.log.read_text():
        assert time.monotonic() < deadline, "the damaged certificate is not reported"
        time.sleep(0.05)
    assert ssl.get_server_certificate(("127.0.0.1", tls.port)) == second


@pytest.mark.parametrize("damage", ["missing", "malformed certificate", "malformed key", "another key", "malformed authority"])
def test_files_that_make_no_tls_end_the_start_with_one_sentence(
    make_server: Any, authority: Authority, work: pathlib.Path, damage: str
) -> None:
    certificate, key = authority.issue("server")
    nonsense = work / "nonsense.pem"
    nonsense.write_text("-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n")
    more: list[Any] = []
    if damage == "missing":
        key = work / "nowhere.key"
    elif damage == "malformed certificate":
        certificate = nonsense
    elif damage == "malformed key":
        key = nonsense
    elif damage == "another key":
        key = authority.issue("other")[1]
    else:
        more = ["--tls-client-ca", nonsense]
    server = make_server("--tls-listen", "127.0.0.1:0", "--tls-certificate", certificate, "--tls-key", key, *more)
    server.launch()
    assert server.process.wait(timeout=PATIENCE_SECONDS) == 78
    server.process = None
    text = server.log.read_text()
    expected = {
        "missing": "nowhere.key", "malformed certificate": "nonsense.pem holds no certificate", "malformed key": "nonsense.pem holds no private key",
        "another key": "does not belong to", "malformed authority": "nonsense.pem holds no client CA",
    }[damage]
    assert expected in text, text
