"""The blocking client: thread-safe, a pool of connections, one request at a time on each."""

from __future__ import annotations

import os
import threading
import time
import weakref
from types import TracebackType
from typing import List, Optional, Sequence, Tuple, Type, TypeVar

from . import _calls, types
from ._address import Address
from ._bundle_file import BundleFile
from ._expiry import Expiry, check_timeout
from ._features import FeatureRows, FeatureVector
from ._precision import PrecisionCache, check_precision
from ._sync_connection import SyncConnection
from ._tls import TLS, tls_context
from ._version import __version__
from .errors import ClientClosed, ConnectionLost, InvalidArgument, Timeout

T = TypeVar("T")

DEFAULT_ADDRESS = "127.0.0.1:7170"
DEFAULT_TIMEOUT_SECONDS = 5.0
DEFAULT_POOL_SIZE = 8

_clients: "weakref.WeakSet[Client]" = weakref.WeakSet()


class Client:
    """Talks to one Assay server; may be shared by any number of threads.

    ``address``: "HOST:PORT", "[IPV6]:PORT" or "unix:/path". ``timeout``: seconds a call may take from beginning to end, connecting
    and waiting for a free connection included. ``pool_size``: connections at most, opened when needed. ``client_name``: goes into
    the audit trail as the caller. ``tls``: None for plain TCP; True for TLS with the system's authorities and the host's name checked; an
    ssl.SSLContext for others, or with a certificate of your own.

    What happens when a connection turns out to be dead: a request of which no server can have seen the last byte is sent once more
    on a fresh connection; one that only reads is sent once more also when the server may have seen it. A score that the server may
    have carried out is NOT sent again, because that would write a second audit record for one question: it raises ConnectionLost
    with ``maybe_executed`` set, and the caller, who knows the transaction_id, decides.
    """

    def __init__(
        self, address: str = DEFAULT_ADDRESS, *, timeout: float = DEFAULT_TIMEOUT_SECONDS, pool_size: int = DEFAULT_POOL_SIZE,
        client_name: str = "assay-python", client_version: str = __version__, tls: TLS = None,
    ) -> None:
        if pool_size < 1:
            raise ValueError(f"pool_size: want at least 1, got {pool_size}")
        self._address = Address.parse(address)
        self._tls = tls_context(tls, self._address)
        self._timeout = check_timeout(timeout)
        self._pool_size = pool_size
        self._names = (client_name, client_version)
        self._precisions = PrecisionCache()
        self._closed = False
        self._reset_pool()
        _clients.add(self)

    def _reset_pool(self) -> None:
        """Also called in the child after a fork: parent and child must not talk over the same sockets."""
        self._condition = threading.Condition()
        self._idle: List[SyncConnection] = []
        self._open_count = 0

    def close(self) -> None:
        """Closes the idle connections; calls that are under way finish, later ones raise ClientClosed."""
        with self._condition:
            self._closed = True
            idle, self._idle = self._idle, []
            self._open_count -= len(idle)
            self._condition.notify_all()
        for connection in idle:
            connection.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    # -- Scoring

    def score(
        self, bundle: str, features: Optional[FeatureVector] = None, *, transaction: Optional[_calls.Transaction] = None,
        transaction_id: str = "", version: int = 0, alias: str = "", deadline: Optional[float] = None, explain: int = 0,
        include_raw: bool = False, precision: Optional[int] = None, caller: str = "",
        personal: Optional[types.PersonalData] = None, durability: Optional[str] = None,
    ) -> types.Decision:
        """Asks for a decision on ``features`` (schema order; None or NaN is missing) or on a typed ``transaction``.

        ``version`` 0: whatever ``alias`` (default "champion") names. ``deadline``: seconds from now after which the answer is
        worthless. ``explain``: how many reasons, 0-32. ``precision``: 32 or 64, the floats the bundle takes; None looks it up once
        by describe_model and remembers it. ``personal``: never scored, kept sealed so that it can be erased; servers without keys for
        it refuse it. ``durability``: what the reply waits for, "memory" (the record survives the server process) or "disk" (it is on
        disk); None as the server is set.
        """

        def call(bits: int) -> _calls.Call[types.Decision]:
            return _calls.score(
                bundle, features, transaction, precision=bits, transaction_id=transaction_id, version=version, alias=alias,
                deadline=deadline, explain=explain, include_raw=include_raw, caller=caller, personal=personal, durability=durability,
            )

        expiry = Expiry.after(self._timeout, deadline)
        if features is None:
            return self._invoke(call(32), expiry)
        return self._score(call, (bundle, version, alias), precision, expiry)

    def score_batch(
        self, bundle: str, rows: FeatureRows, *, transaction_ids: Optional[Sequence[str]] = None, version: int = 0,
        alias: str = "", deadline: Optional[float] = None, include_raw: bool = False, precision: Optional[int] = None,
        caller: str = "", personal: Optional[Sequence[Optional[types.PersonalData]]] = None, durability: Optional[str] = None,
    ) -> types.BatchDecision:
        """Decides all ``rows`` [rows, features] by one version, or none. See hello().batch_rows_max for how many."""

        def call(bits: int) -> _calls.Call[types.BatchDecision]:
            return _calls.score_batch(
                bundle, rows, precision=bits, transaction_ids=transaction_ids, version=version, alias=alias,
                deadline=deadline, include_raw=include_raw, caller=caller, personal=personal, durability=durability,
            )

        expiry = Expiry.after(self._timeout, deadline)
        return self._score(call, (bundle, version, alias), precision, expiry)

    def _score(
        self, call: "_calls.ByPrecision[T]", key: Tuple[str, int, str], precision: Optional[int], expiry: Expiry
    ) -> T:
        if check_precision(precision) is not None:
            return self._invoke(call(precision or 32), expiry)
        known = self._precisions.get(key)
        bits = known or self._look_up(key, expiry)
        try:
            return self._invoke(call(bits), expiry)
        except InvalidArgument as refusal:
            # What was remembered may be of an older version of the bundle. A refused request was not carried out.
            if known is None or not _calls.is_precision_refusal(refusal):
                raise
            bits = self._look_up(key, expiry)
            if bits == known:
                raise
            return self._invoke(call(bits), expiry)

    def _look_up(self, key: Tuple[str, int, str], expiry: Expiry) -> int:
        bundle, version, alias = key
        precision = self._invoke(_calls.describe_model(bundle, version=version, alias=alias), expiry).precision
        self._precisions.put(key, precision)
        return precision

    def get_decision(self, sequence: Optional[int] = None, *, transaction_id: str = "") -> types.AuditRecord:
        """The audit record with this number, or the newest one made under this transaction id. Raises NotFound."""
        return self._call(_calls.get_decision(sequence, transaction_id))

    def find_decisions(self, transaction_id: str, *, limit: int = 10) -> Tuple[types.AuditRecord, ...]:
        """The audit records made under a transaction id, newest first, at most ``limit`` (1-100). Raises NotFound when there are none."""
        return self._call(_calls.find_decisions(transaction_id, limit))

    # -- Models

    def list_models(self) -> Tuple[types.ModelVersion, ...]:
        """Every version in the registry, refused ones with the reason."""
        return self._call(_calls.list_models())

    def describe_model(self, bundle: str, *, version: int = 0, alias: str = "") -> types.ModelDescription:
        """Schema, thresholds and provenance of a bundle."""
        return self._call(_calls.describe_model(bundle, version=version, alias=alias))

    def fetch_bundle(
        self, bundle: str, *, version: int = 0, alias: str = "", byte_count_max: int = 1 << 30
    ) -> types.FetchedBundle:
        """The bundle file itself, fetched in pieces of one version and checked against its digest."""
        file = BundleFile(bundle, version, alias, byte_count_max)
        while not file.is_complete:
            file.add(self._call(file.next_call()))
        return file.fetched()

    def set_alias(self, bundle: str, alias: str, version: int, *, who: str = "", why: str = "") -> types.AliasMove:
        """Points ``alias`` at ``version``; ``who`` and ``why`` go into the history. Administrative."""
        return self._call(_calls.set_alias(bundle, alias, version, who=who, why=why))

    def rollback(self, bundle: str, alias: str = "champion", *, who: str = "", why: str = "") -> types.AliasMove:
        """Points ``alias`` back at the version it named before. Administrative."""
        return self._call(_calls.rollback(bundle, alias, who=who, why=why))

    # -- Server

    def hello(self) -> types.ServerInfo:
        """What the server is, and its limits."""
        return self._call(_calls.hello(*self._names))

    def health(self) -> types.Health:
        """Whether the server is ready, and why not."""
        return self._call(_calls.health())

    def stats(self) -> types.Stats:
        """The server's counters."""
        return self._call(_calls.stats())

    # -- Sending

    def _call(self, call: _calls.Call[T]) -> T:
        return self._invoke(call, Expiry.after(self._timeout, None))

    def _invoke(self, call: _calls.Call[T], expiry: Expiry) -> T:
        """Sends ``call``, at most twice: see the class's description for when."""
        try:
            connection = self._take(expiry.at)
            if connection is not None:
                try:
                    return self._exchange(connection, call, expiry.at)
                except ConnectionLost as lost:
                    if lost.maybe_executed and (not call.idempotent or lost.reply_began):
                        raise
                # It was an old connection that had died unnoticed; its place in the pool is free again.
                self._reserve(expiry.at)
            return self._exchange(self._open(expiry.at), call, expiry.at)
        except Timeout as timeout:
            if expiry.by_deadline:
                raise expiry.error(timeout) from timeout
            raise

    def _exchange(self, connection: SyncConnection, call: _calls.Call[T], expires: float) -> T:
        try:
            reply = connection.exchange(call.request, expires)
        finally:
            self._give_back(connection)
        return call.value(reply)

    # -- Pool: _open_count counts the connections lent, idle and being opened

    def _take(self, expires: float) -> Optional[SyncConnection]:
        """A living idle connection, or None and the right to open one."""
        while True:
            with self._condition:
                self._check_usable()
                while not self._idle and self._open_count >= self._pool_size:
                    self._wait(expires)
                if not self._idle:
                    self._open_count += 1
                    return None
                connection = self._idle.pop()
            if not connection.is_dead():
                return connection
            self._discard(connection)

    def _reserve(self, expires: float) -> None:
        """The right to open a connection; an idle one is closed for it when the pool is full."""
        with self._condition:
            self._check_usable()
            while self._open_count >= self._pool_size:
                if self._idle:
                    self._idle.pop(0).close()
                    self._open_count -= 1
                else:
                    self._wait(expires)
            self._open_count += 1

    def _wait(self, expires: float) -> None:
        seconds = expires - time.monotonic()
        if seconds <= 0 or not self._condition.wait(seconds):
            raise Timeout(f"none of the {self._pool_size} connections became free in time", reason="POOL_EXHAUSTED")
        if self._closed:
            raise ClientClosed("the client was closed", reason="CLOSED")

    def _check_usable(self) -> None:
        if self._closed:
            raise ClientClosed("the client is closed", reason="CLOSED")

    def _open(self, expires: float) -> SyncConnection:
        try:
            return SyncConnection(self._address, _calls.hello(*self._names), expires, self._tls)
        except BaseException:
            with self._condition:
                self._open_count -= 1
                self._condition.notify()
            raise

    def _give_back(self, connection: SyncConnection) -> None:
        with self._condition:
            if connection.usable and not self._closed:
                self._idle.append(connection)
                self._condition.notify()
                return
        self._discard(connection)

    def _discard(self, connection: SyncConnection) -> None:
        connection.close()
        with self._condition:
            self._open_count -= 1
            self._condition.notify()


def _forget_sockets_of_parent() -> None:
    for client in list(_clients):
        client._reset_pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_sockets_of_parent)
