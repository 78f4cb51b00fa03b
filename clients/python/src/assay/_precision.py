"""Which floats a bundle takes: looked up once by describe_model, kept until the server refuses what was sent."""

from __future__ import annotations

from collections import OrderedDict
from typing import Optional, Tuple

Key = Tuple[str, int, str]

# Bundles, versions and aliases a client remembers; beyond it the oldest is looked up again.
ENTRY_COUNT_MAX = 1024


class PrecisionCache:
    """Each operation is one atomic step of a dict: threads at worst look the same bundle up twice."""

    def __init__(self) -> None:
        self._entries: "OrderedDict[Key, int]" = OrderedDict()

    def get(self, key: Key) -> Optional[int]:
        return self._entries.get(key)

    def put(self, key: Key, precision: int) -> None:
        self._entries[key] = precision
        while len(self._entries) > ENTRY_COUNT_MAX:
            try:
                self._entries.popitem(last=False)
            except KeyError:
                break


def check_precision(precision: Optional[int]) -> Optional[int]:
    if precision not in (None, 32, 64):
        raise ValueError(f"precision: want 32, 64 or None (look it up), got {precision}")
    return precision
