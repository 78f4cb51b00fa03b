"""Client for Assay, the transaction-scoring server.

>>> import assay
>>> with assay.Client("127.0.0.1:7170") as client:                                      # doctest: +SKIP
...     decision = client.score("cards", features, transaction_id="t-1", deadline=0.05)
...     if not decision.approved: ...
"""

from . import errors, types
from ._version import __version__
from .aio import AsyncClient
from .client import Client
from .errors import *  # noqa: F401,F403
from .exporter import ExportedBundle, ExportError, export
from .transactions import bitcoin_transaction_from_esplora, card_transaction
from .types import *  # noqa: F401,F403

__all__ = [
    "AsyncClient",
    "Client",
    "ExportError",
    "ExportedBundle",
    "__version__",
    "bitcoin_transaction_from_esplora",
    "card_transaction",
    "export",
]
__all__ += [name for name in errors.__all__ if name != "status_error"]
__all__ += types.__all__
