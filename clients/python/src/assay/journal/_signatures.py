"""Ed25519 keys and signatures, with the package cryptography where it is installed."""

from __future__ import annotations

import base64
import pathlib
from typing import Optional, Union

from ._format import CHECKPOINT, JournalError, ProofEntry, identity_text

_PUBLIC_PREFIX = bytes.fromhex("302a300506032b6570032100")
PublicKey = Union[bytes, str, "pathlib.Path"]


def public_key(key: PublicKey) -> bytes:
    """32 bytes, as they are or out of a PEM file (SubjectPublicKeyInfo)."""
    if isinstance(key, bytes):
        if len(key) != 32:
            raise JournalError(f"a public key has 32 bytes, not {len(key)}")
        return key
    words = pathlib.Path(key).read_text().split()
    text = " ".join(words)
    begin, end = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
    if text.startswith(begin) and text.endswith(end):
        try:
            der = base64.b64decode(text[len(begin) : -len(end)].replace(" ", ""), validate=True)
        except ValueError:
            der = b""
        if len(der) == 44 and der.startswith(_PUBLIC_PREFIX):
            return der[12:]
    raise JournalError(f"{key} is not an Ed25519 public key in PEM")


def can_check() -> bool:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        return False
    return True


def has_good_signature(entry: ProofEntry) -> Optional[bool]:
    """Whether the signature is that of the entry's key; None: it can not be checked here (no cryptography)."""
    if not entry.signed:
        return False
    if not can_check():
        return None
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(entry.key).verify(entry.signature, entry.signed_bytes)
    except (InvalidSignature, ValueError):
        return False
    return True


def checkpoint_line(line: str) -> ProofEntry:
    """The entry in a line of `assay journal checkpoint`."""
    words = dict(word.split("=", 1) for word in line.split() if "=" in word)
    try:
        entry = ProofEntry.parse(base64.b64decode(words.get("entry", ""), validate=True))
    except ValueError:
        entry = None
    if not line.split() or line.split()[0] != "assay-checkpoint" or entry is None or entry.kind != CHECKPOINT:
        raise JournalError("this is no checkpoint, or it was altered or cut")
    said = words.get("journal"), words.get("through"), words.get("block")
    if said != (identity_text(entry.identity), str(entry.sequence), entry.hash.hex()):
        raise JournalError("the checkpoint's words differ from its entry")
    return entry
