"""The asyncio client: one connection, many requests in flight on it."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Optional, Sequence, Tuple, Type, TypeVar

from . import _calls, types
from ._address import Address
from ._async_connection import AsyncConnection
from ._bundle_file import BundleFile
from ._expiry import Expiry, check_timeout
from ._features import FeatureRows, FeatureVector
from ._precision import PrecisionCache, check_precision
from ._tls import TLS, tls_context
from ._version import __version__
from .client import DEFAULT_ADDRESS, DEFAULT_TIMEOUT_SECONDS
from .errors import ClientClosed, ConnectionLost, InvalidArgument, Timeout, Unavailable

T = TypeVar("T")


class AsyncClient:
    """Talks to one Assay server over one pipelined connection; used from one event loop, by any number of its tasks.

    Replies are matched by id and may come in any order; as many requests are in flight as the server's window lets. The connection
    is made by the first call and made again after it was lost. Arguments as in ``Client``.

    When the connection is lost: a request that was still waiting here for its turn is sent once more on a fresh connection; one
    that only reads is sent once more also when it had been sent. A score that had been sent is NOT sent again, because that could
    write a second audit record for one question: it raises ConnectionLost with ``maybe_executed`` set.
    """

    def __init__(
        self, address: str = DEFAULT_ADDRESS, *, timeout: float = DEFAULT_TIMEOUT_SECONDS, client_name: str = "assay-python",
        client_version: str = __version__, tls: TLS = None,
    ) -> None:
        self._address = Address.parse(address)
        self._tls = tls_context(tls, self._address)
        self._timeout = check_timeout(timeout)
        self._names = (client_name, client_version)
        self._precisions = PrecisionCache()
        self._connection: Optional[AsyncConnection] = None
        self._opening: "Optional[asyncio.Task[AsyncConnection]]" = None
        self._closed = False

    async def close(self) -> None:
        """Ends the connection; calls in flight raise ConnectionLost, later ones ClientClosed."""
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
        if self._connection is not None:
            self._connection.close()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()

    # -- Scoring

    async def score(
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
            return await self._invoke(call(32), expiry)
        return await self._score(call, (bundle, version, alias), precision, expiry)

    async def score_batch(
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
        return await self._score(call, (bundle, version, alias), precision, expiry)

    async def _score(
        self, call: "_calls.ByPrecision[T]", key: Tuple[str, int, str], precision: Optional[int], expiry: Expiry
    ) -> T:
        if check_precision(precision) is not None:
            return await self._invoke(call(precision or 32), expiry)
        known = self._precisions.get(key)
        bits = known or await self._look_up(key, expiry)
        try:
            return await self._invoke(call(bits), expiry)
        except InvalidArgument as refusal:
            # What was remembered may be of an older version of the bundle. A refused request was not carried out.
            if known is None or not _calls.is_precision_refusal(refusal):
                raise
            bits = await self._look_up(key, expiry)
            if bits == known:
                raise
            return await self._invoke(call(bits), expiry)

    async def _look_up(self, key: Tuple[str, int, str], expiry: Expiry) -> int:
        bundle, version, alias = key
        description = await self._invoke(_calls.describe_model(bundle, version=version, alias=alias), expiry)
        self._precisions.put(key, description.precision)
        return description.precision

    async def get_decision(self, sequence: Optional[int] = None, *, transaction_id: str = "") -> types.AuditRecord:
        """The audit record with this number, or the newest one made under this transaction id. Raises NotFound."""
        return await self._call(_calls.get_decision(sequence, transaction_id))

    async def find_decisions(self, transaction_id: str, *, limit: int = 10) -> Tuple[types.AuditRecord, ...]:
        """The audit records made under a transaction id, newest first, at most ``limit`` (1-100). Raises NotFound when there are none."""
        return await self._call(_calls.find_decisions(transaction_id, limit))

    # -- Models

    async def list_models(self) -> Tuple[types.ModelVersion, ...]:
        """Every version in the registry, refused ones with the reason."""
        return await self._call(_calls.list_models())

    async def describe_model(self, bundle: str, *, version: int = 0, alias: str = "") -> types.ModelDescription:
        """Schema, thresholds and provenance of a bundle."""
        return await self._call(_calls.describe_model(bundle, version=version, alias=alias))

    async def fetch_bundle(
        self, bundle: str, *, version: int = 0, alias: str = "", byte_count_max: int = 1 << 30
    ) -> types.FetchedBundle:
        """The bundle file itself, fetched in pieces of one version and checked against its digest."""
        file = BundleFile(bundle, version, alias, byte_count_max)
        while not file.is_complete:
            file.add(await self._call(file.next_call()))
        return file.fetched()

    async def set_alias(self, bundle: str, alias: str, version: int, *, who: str = "", why: str = "") -> types.AliasMove:
        """Points ``alias`` at ``version``; ``who`` and ``why`` go into the history. Administrative."""
        return await self._call(_calls.set_alias(bundle, alias, version, who=who, why=why))

    async def rollback(self, bundle: str, alias: str = "champion", *, who: str = "", why: str = "") -> types.AliasMove:
        """Points ``alias`` back at the version it named before. Administrative."""
        return await self._call(_calls.rollback(bundle, alias, who=who, why=why))

    # -- Server

    async def hello(self) -> types.ServerInfo:
        """What the server is, and its limits."""
        return await self._call(_calls.hello(*self._names))

    async def health(self) -> types.Health:
        """Whether the server is ready, and why not."""
        return await self._call(_calls.health())

    async def stats(self) -> types.Stats:
        """The server's counters."""
        return await self._call(_calls.stats())

    # -- Sending

    async def _call(self, call: _calls.Call[T]) -> T:
        return await self._invoke(call, Expiry.after(self._timeout, None))

    async def _invoke(self, call: _calls.Call[T], expiry: Expiry) -> T:
        """Sends ``call``, at most twice: see the class's description for when."""
        try:
            old = self._usable_connection()
            connection = old or await self._open(expiry.at)
            try:
                return await self._exchange(connection, call, expiry.at)
            except ConnectionLost as lost:
                if connection is not old or (lost.maybe_executed and not call.idempotent):
                    raise
            return await self._exchange(await self._open(expiry.at), call, expiry.at)
        except Timeout as timeout:
            if expiry.by_deadline:
                raise expiry.error(timeout) from timeout
            raise

    async def _exchange(self, connection: AsyncConnection, call: _calls.Call[T], expires: float) -> T:
        try:
            return call.value(await connection.exchange(call.request, expires))
        except Unavailable:
            # It drains: the next request is better off with a new connection.
            connection.retire()
            raise

    def _usable_connection(self) -> Optional[AsyncConnection]:
        if self._closed:
            raise ClientClosed("the client is closed", reason="CLOSED")
        connection = self._connection
        return connection if connection is not None and connection.is_usable else None

    async def _open(self, expires: float) -> AsyncConnection:
        """The connection that one task makes for all that wait for it. One who gives up leaves the others undisturbed; one who
        joined an attempt that was failing already starts another."""
        joined = self._opening is not None and not self._opening.done()
        try:
            return await self._join(expires)
        except (ConnectionLost, Timeout):
            if not joined or time.monotonic() >= expires:
                raise
        return await self._join(expires)

    async def _join(self, expires: float) -> AsyncConnection:
        connection = self._usable_connection()
        if connection is not None:
            return connection
        if self._opening is None or self._opening.done():
            self._opening = asyncio.get_running_loop().create_task(
                AsyncConnection.open(self._address, _calls.hello(*self._names), self._timeout, self._tls)
            )
            self._opening.add_done_callback(self._opened)
        opening = self._opening
        await asyncio.wait({opening}, timeout=max(0.0, expires - time.monotonic()))
        if not opening.done():
            raise Timeout(f"{self._address}: no connection in time", reason="CLIENT_TIMEOUT")
        if opening.cancelled():
            raise ClientClosed("the client was closed", reason="CLOSED")
        return opening.result()

    def _opened(self, opening: "asyncio.Task[AsyncConnection]") -> None:
        if opening.cancelled() or opening.exception() is not None:
            return
        if self._closed:
            opening.result().close()
        else:
            self._connection = opening.result()
