"""A proxy before PostgreSQL that cuts connections at the worst moments: between a COMMIT and its answer, and in the middle of a COPY."""

from __future__ import annotations

import select
import socket
import struct
import threading
from typing import Optional

COMMIT_ANSWERED = "commit done, answer kept back"
COMMIT_SENT = "commit sent, nobody waits"
IN_COPY = "in the middle of a COPY"


class Proxy:
    """Listens on a TCP port of its own. At most one fault is armed at a time; `fired` counts what has happened, by kind."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.armed: Optional[str] = None
        self.copy_bytes = 0
        self.fired: dict[str, int] = {COMMIT_ANSWERED: 0, COMMIT_SENT: 0, IN_COPY: 0}
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"postgresql://assay@127.0.0.1:{self.port}/postgres?sslmode=disable&gssencmode=disable"

    def arm(self, kind: str, copy_bytes: int = 0) -> None:
        with self.lock:
            self.armed, self.copy_bytes = kind, copy_bytes

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self.target)
            Conversation(self, client, server).run()
        except OSError:
            pass
        finally:
            client.close()
            server.close()

    def fire(self, kind: str) -> bool:
        """Whether this fault is wanted now; it is taken then."""
        with self.lock:
            if self.armed != kind:
                return False
            self.armed = None
            self.fired[kind] += 1
            return True


class Conversation:
    """One connection: what the client sends is followed message by message, what the server sends goes through as it comes."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy, self.client, self.server = proxy, client, server
        self.rest = b""
        self.is_started = False
        self.has_copied = False
        self.copied = 0

    def run(self) -> None:
        while True:
            readable, _, _ = select.select([self.client, self.server], [], [], 60)
            if self.server in readable:
                data = self.server.recv(1 << 16)
                if not data:
                    return
                self.client.sendall(data)
            if self.client in readable:
                data = self.client.recv(1 << 18)
                if not data or not self.forward(data):
                    return

    def forward(self, data: bytes) -> bool:
        """Passes whole messages on; False: the fault has happened, cut both sides."""
        buffer = self.rest + data
        offset = sent = 0
        # The first message has no type byte.
        while True:
            header = 5 if self.is_started else 4
            if len(buffer) - offset < header:
                break
            (length,) = struct.unpack_from(">i", buffer, offset + header - 4)
            end = offset + header - 4 + length
            kind = buffer[offset : offset + 1] if self.is_started else b""
            if kind == b"d":
                self.copied += length
                if self.copied >= self.proxy.copy_bytes and self.proxy.fire(IN_COPY):
                    self.server.sendall(buffer[sent : min(end - length // 2, len(buffer))])
                    return False
            if end > len(buffer):
                break
            if kind == b"Q":
                text = buffer[offset + 5 : end - 1]
                if text.startswith(b"COPY"):
                    self.has_copied, self.copied = True, 0
                elif text.rstrip().endswith(b"COMMIT") and self.has_copied:
                    self.has_copied = False
                    if self.proxy.fire(COMMIT_SENT):
                        self.server.sendall(buffer[sent:end])
                        return False
                    if self.proxy.fire(COMMIT_ANSWERED):
                        self.server.sendall(buffer[sent:end])
                        self.answer()
                        return False
            self.is_started = True
            offset = end
        self.server.sendall(buffer[sent:offset])
        self.rest = buffer[offset:]
        return True

    def answer(self) -> None:
        """Reads the server's answer up to ReadyForQuery, for nobody."""
        data = b""
        while not data.endswith(b"Z\x00\x00\x00\x05I"):
            piece = self.server.recv(1 << 16)
            if not piece:
                return
            data += piece
