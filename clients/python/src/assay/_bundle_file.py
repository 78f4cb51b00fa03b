"""A bundle file fetched piece by piece, all pieces from the version that the first one named."""

from __future__ import annotations

import hashlib

from . import _calls, types
from ._proto.assay.v1 import assay_pb2 as pb
from .errors import ProtocolError


class BundleFile:
    """Says which piece to ask for next, takes it, and checks the whole against the digest."""

    def __init__(self, bundle: str, version: int, alias: str, byte_count_max: int) -> None:
        self._bundle = bundle
        self._version = version
        self._alias = alias
        self._byte_count_max = byte_count_max
        self._byte_count = -1
        self._digest = b""
        self._data = bytearray()

    @property
    def is_complete(self) -> bool:
        return len(self._data) == self._byte_count

    def next_call(self) -> "_calls.Call[pb.FetchBundleReply]":
        return _calls.fetch_bundle_piece(
            self._bundle, version=self._version, alias=self._alias, offset=len(self._data)
        )

    def add(self, piece: pb.FetchBundleReply) -> None:
        """Raises ProtocolError when the piece does not continue the file, ValueError when the file is too large."""
        if self._byte_count < 0:
            if piece.byte_count > self._byte_count_max:
                raise ValueError(f"the bundle takes {piece.byte_count} bytes, more than byte_count_max {self._byte_count_max}")
            self._byte_count, self._digest, self._version = piece.byte_count, piece.digest, piece.version
        expected = (self._version, self._byte_count, self._digest, len(self._data))
        if (piece.version, piece.byte_count, piece.digest, piece.offset) != expected:
            raise ProtocolError("a piece of the bundle does not belong to the ones before it", reason="BAD_PIECE")
        if len(self._data) + len(piece.bytes) > self._byte_count or (not piece.bytes and not self.is_complete):
            raise ProtocolError("the pieces of the bundle do not add up to its length", reason="BAD_PIECE")
        self._data += piece.bytes

    def fetched(self) -> types.FetchedBundle:
        data = bytes(self._data)
        if hashlib.sha256(data).digest() != self._digest:
            raise ProtocolError("the bundle's bytes do not have the digest that the server named", reason="BAD_DIGEST")
        return types.FetchedBundle(version=self._version, digest=self._digest.hex(), data=data)
