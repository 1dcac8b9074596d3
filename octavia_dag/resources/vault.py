"""People's voices are biometric data: sealed with Fernet, in memory, before a byte of them meets a disk.

The key is the environment's, or a file in the home that nobody but its owner can read; a file that others can read is
refused instead of mended, because the key in it may be known already. What is sealed carries everything of a profile,
the reference sound too; the data version is a keyed hash, so that equal voices are known again without being shown.
Whoever asks for the key, seals or opens is from then on a process of which no core is left (`undumped`).
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from octavia_dag.errors import InputError, StorageError
from octavia_dag.resources.engines import Profile
from octavia_dag.resources.undumped import leave_no_core

_KEY_BYTES = 32
# The fields of a profile that JSON cannot hold as they are.
_BYTES = ("reference_wav", "clone")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def load_key(value: str | None, key_file: Path) -> bytes:
    """The Fernet key: `value` where given, else that of `key_file`, which is made (mode 0600) where there is none.

    An InputError for a value that is no key, a StorageError for a file that others may read or that holds no key.
    """
    leave_no_core()
    if value:
        if not _is_key(value.encode()):
            raise InputError(
                "Sealing the voice profiles: the key in the environment is no Fernet key (32 bytes, URL-safe base64); "
                "give one, or unset it to have one made."
            )
        return value.strip().encode()
    try:
        if not key_file.exists():
            _make(key_file)
        if not key_file.is_file():
            raise StorageError(f"Reading the key of the voice profiles: {key_file} is no file; move it away.")
        if stat.S_IMODE(key_file.stat().st_mode) & _OTHERS:
            raise StorageError(
                f"Reading the key of the voice profiles: others can read {key_file}; if it was never shared, "
                f"run 'chmod 600 {key_file}', otherwise delete it."
            )
        key = key_file.read_bytes().strip()
    except OSError as error:
        raise StorageError(
            f"Reading the key of the voice profiles from {key_file} failed ({error.strerror}); make it readable to you."
        ) from error
    if not _is_key(key):
        raise StorageError(f"The file {key_file} holds no key of voice profiles; restore it, or delete it.")
    return key


def refuse_key(value: str | None, key_file: Path) -> None:
    """What `load_key` would raise, without making a key where there is none."""
    folder = key_file.parent
    if value or key_file.exists():
        load_key(value, key_file)
    elif folder.exists() and not folder.is_dir():
        raise StorageError(
            f"Keeping a key of the voice profiles: {folder} is no folder; move it away, or choose another --home."
        )


def seal(profiles: Sequence[Profile], key: bytes) -> bytes:
    """The profiles, encrypted; two seals of the same profiles differ."""
    from cryptography.fernet import Fernet

    leave_no_core()
    return Fernet(key).encrypt(_plain(profiles))


def open_sealed(payload: bytes, key: bytes) -> list[Profile]:
    """The profiles of a sealed payload; a StorageError where the key is another one or the payload was damaged."""
    from cryptography.fernet import Fernet, InvalidToken

    leave_no_core()
    try:
        plain = Fernet(key).decrypt(payload)
    except InvalidToken as error:
        raise StorageError(
            "Opening the voice profiles: they were sealed with another key, or are damaged; "
            "give the key they were sealed with, or make the voice profiles again."
        ) from error
    return [
        Profile.model_validate({**one, **{name: base64.b64decode(one[name]) for name in _BYTES if name in one}})
        for one in json.loads(plain)
    ]


def keyed_hash(profiles: Sequence[Profile], key: bytes) -> str:
    """HMAC-SHA256 (hex) of the profiles under `key`: equal profiles, equal hash, and nothing told without the key."""
    return hmac.new(key, _plain(profiles), hashlib.sha256).hexdigest()


def keyed_mark(parts: Sequence[bytes], key: bytes) -> str:
    """A short HMAC-SHA256 (hex) of `parts`, for what is public and must tell one voice from another."""
    told = b"".join(hashlib.sha256(part).digest() for part in parts)
    return hmac.new(key, told, hashlib.sha256).hexdigest()[:16]


def _plain(profiles: Sequence[Profile]) -> bytes:
    rows = [
        {
            **profile.model_dump(exclude=set(_BYTES), mode="json"),
            "reference_wav": base64.b64encode(profile.reference_wav).decode(),
            # Written only where there is one: a voice that is not cloned keeps its version.
            **({"clone": base64.b64encode(profile.clone).decode()} if profile.clone else {}),
        }
        for profile in profiles
    ]
    return json.dumps(rows, sort_keys=True).encode()


def _is_key(value: bytes) -> bool:
    try:
        return len(base64.urlsafe_b64decode(value.strip())) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _make(key_file: Path) -> None:
    """A new key, linked into place whole: of two runs that start at once one wins, and both read the winner's."""
    from cryptography.fernet import Fernet

    key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=key_file.parent, prefix=".voice-key-")  # made with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another run was first: its key counts
            os.link(name, key_file)
    finally:
        Path(name).unlink()
