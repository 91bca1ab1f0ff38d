"""The key that signs the heads of the audit: a file of the data folder that only its owner can read.

A site with a signing device names its own class in `AUDIT_SIGNER`; see `kernel.signatures.Signer`.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from django.conf import settings
from django.utils.module_loading import import_string

from kangqiao.kernel.errors import RuleBroken
from kangqiao.kernel.signatures import Ed25519Signer, Signer

KEY_FILE = "audit-signing-key.pem"


def signer() -> Signer:
    """Who signs here; the first call of a site makes its key. Raises RuleBroken when others can read the key."""
    made: Signer = import_string(settings.AUDIT_SIGNER)()
    return made


def key_in_folder() -> Signer:
    """The Ed25519 key in the data folder."""
    path = Path(settings.DATA) / KEY_FILE
    if not path.exists():
        _make(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise RuleBroken(
            f"Others can read the signing key {path}.",
            next_step=f"Say `chmod 600 {path}`, and ask who could have copied it.",
        )
    return Ed25519Signer.read(path.read_bytes())


def _make(path: Path) -> None:
    """Writes a fresh key whole or not at all; of two processes that do it at once, one wins for both."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(Ed25519Signer.fresh().private_pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
