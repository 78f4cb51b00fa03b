"""Reads UBJSON, the binary form of XGBoost's models: numbers come with their very bits."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple, Union

import numpy as np

_NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_LITERALS: Dict[str, Any] = {"T": True, "F": False, "Z": None}


def parse(data: Union[bytes, bytearray]) -> Any:
    """Objects become dicts, typed arrays numpy arrays, other arrays lists."""
    return _Reader(bytes(data)).value()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.offset = 0

    def marker(self) -> str:
        self.offset += 1
        return chr(self.data[self.offset - 1])

    def next_is(self, marker: str) -> bool:
        """Takes the next byte if it is the marker."""
        if self.data[self.offset : self.offset + 1] == marker.encode():
            self.offset += 1
            return True
        return False

    def number(self, kind: str) -> Any:
        layout = np.dtype(_NUMBERS[kind])
        self.offset += layout.itemsize
        return np.frombuffer(self.data, layout, 1, self.offset - layout.itemsize)[0].item()

    def count(self) -> int:
        return int(self.number(self.marker()))

    def text(self) -> str:
        count = self.count()
        self.offset += count
        return self.data[self.offset - count : self.offset].decode()

    def value(self) -> Any:
        return self.value_of(self.marker())

    def value_of(self, kind: str) -> Any:
        if kind == "{":
            return self.object()
        if kind == "[":
            return self.array()
        if kind == "S":
            return self.text()
        if kind == "C":
            return self.marker()
        if kind in _LITERALS:
            return _LITERALS[kind]
        if kind in _NUMBERS:
            return self.number(kind)
        raise ValueError(f"UBJSON: unknown marker {kind!r} at {self.offset - 1}")

    def size(self) -> Tuple[str, int]:
        """The type and count that may stand before a container's content; "" and -1 for none."""
        kind = self.marker() if self.next_is("$") else ""
        return kind, self.count() if self.next_is("#") else -1

    def object(self) -> Dict[str, Any]:
        kind, count = self.size()
        members: Dict[str, Any] = {}
        while count != 0 and not (count < 0 and self.next_is("}")):
            key = self.text()
            members[key] = self.value_of(kind) if kind else self.value()
            count -= 1 if count > 0 else 0
        return members

    def array(self) -> Any:
        kind, count = self.size()
        if kind in _NUMBERS and count >= 0:
            layout = np.dtype(_NUMBERS[kind])
            self.offset += count * layout.itemsize
            array = np.frombuffer(self.data, layout, count, self.offset - count * layout.itemsize)
            return array.astype(layout.newbyteorder("="))
        elements: List[Any] = []
        while count != 0 and not (count < 0 and self.next_is("]")):
            elements.append(self.value_of(kind) if kind else self.value())
            count -= 1 if count > 0 else 0
        return elements
