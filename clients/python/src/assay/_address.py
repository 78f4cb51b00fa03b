"""Where a server listens: "HOST:PORT", "[IPV6]:PORT" or "unix:/path"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Address:
    """Either ``path`` is set (Unix socket), or ``host`` and ``port`` are."""

    host: str = ""
    port: int = 0
    path: Optional[str] = None

    @classmethod
    def parse(cls, text: str) -> "Address":
        if text.startswith("unix:"):
            path = text[len("unix:"):]
            if not path:
                raise ValueError(f"address {text!r}: a path must follow 'unix:'")
            return cls(path=path)
        host, colon, port_text = text.rpartition(":")
        if not colon or not port_text.isascii() or not port_text.isdigit() or not 0 < int(port_text) < 65536:
            raise ValueError(f"address {text!r}: want HOST:PORT with a port of 1-65535, [IPV6]:PORT or unix:/path")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise ValueError(f"address {text!r}: write an IPv6 address in brackets, as in [::1]:7170")
        if not host:
            raise ValueError(f"address {text!r}: the host is missing")
        return cls(host=host, port=int(port_text))

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
