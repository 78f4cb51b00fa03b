"""What the clients' ``tls`` argument means."""

from __future__ import annotations

import ssl
from typing import Optional, Union

from ._address import Address

TLS = Union[None, bool, ssl.SSLContext]


def tls_context(tls: TLS, address: Address) -> Optional[ssl.SSLContext]:
    """None: plain. True: the system's authorities, the host's name checked, TLS 1.2 at least. A context is used as it is."""
    if tls is None or tls is False:
        return None
    if address.path is not None:
        raise ValueError("tls: a Unix socket has none")
    if isinstance(tls, ssl.SSLContext):
        return tls
    if tls is not True:
        raise TypeError(f"tls: want True or an ssl.SSLContext, got {type(tls).__name__}")
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
