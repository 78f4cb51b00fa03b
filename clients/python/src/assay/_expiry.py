"""How long a call may wait: the client's timeout, or the request's deadline when that is nearer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Optional

from .errors import AssayError, DeadlineExceeded, Timeout


@dataclass(frozen=True)
class Expiry:
    """``at`` is in monotonic seconds; ``by_deadline`` tells which error the end of the wait becomes."""

    at: float
    by_deadline: bool

    @classmethod
    def after(cls, timeout: float, deadline: Optional[float]) -> "Expiry":
        """Raises DeadlineExceeded for a deadline that has passed already: nothing is sent then."""
        if deadline is not None and not deadline > 0:
            raise DeadlineExceeded("the deadline had passed before the request was sent", reason="CLIENT_DEADLINE")
        by_deadline = deadline is not None and deadline < timeout
        return cls(time.monotonic() + (deadline if deadline is not None and by_deadline else timeout), by_deadline)

    def error(self, timeout: Timeout) -> AssayError:
        """``timeout`` as the caller is to see it."""
        if not self.by_deadline:
            return timeout
        return DeadlineExceeded(
            "no reply before the deadline", reason="CLIENT_DEADLINE", maybe_executed=timeout.maybe_executed
        )


def check_timeout(timeout: float, name: str = "timeout") -> float:
    """A wait without end is not offered; a day is the longest."""
    if not 0 < timeout <= 86_400:
        raise ValueError(f"{name}: want seconds in 0 < {name} <= 86400, got {timeout}")
    return float(timeout)
