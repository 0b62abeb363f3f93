"""The token that the admin side asks for who comes from another machine: made once, kept in a file of its own."""

from __future__ import annotations

import hmac
import os
import re
import secrets
from hashlib import sha256
from pathlib import Path

from netbootd.serve.sockets import CannotListen

_BYTES = 32
_SHORTEST = 16
_TOKEN = re.compile(rf"[A-Za-z0-9._~+/=-]{{{_SHORTEST},512}}")  # RFC 6750 section 2.1, b64token


class TokenError(CannotListen):
    """The token's file cannot be used; says which, and why."""

    def __init__(self, text: str) -> None:
        super().__init__(f"admin.token_file: {text}")


def read_token(path: Path) -> str:
    """What is in the file.  Raises `TokenError`, also where others than owner and group may read it."""
    try:
        with path.open("rb") as file:
            mode, text = os.fstat(file.fileno()).st_mode, file.read(1024)
    except OSError as error:
        raise TokenError(f"{path}: {error.strerror}") from error
    if mode & 0o007:
        raise TokenError(f"{path} is open to everybody on this machine: chmod 600 {path}")
    token = text.decode("ascii", "replace").strip()
    if not _TOKEN.fullmatch(token):
        raise TokenError(
            f"{path} holds no token: {_SHORTEST} to 512 letters, digits and -._~+/=; delete it for a new one"
        )
    return token


def made_token(path: Path) -> str:
    """As `read_token`; where there is no file it is made, for its owner alone."""
    if not path.exists():
        try:
            _make(path)
        except OSError as error:
            raise TokenError(f"{path} cannot be made: {error.strerror}") from error
    return read_token(path)


def same(said: str, token: str) -> bool:
    """How long that takes tells nothing of the token."""
    return hmac.compare_digest(_digest(said), _digest(token))


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogateescape")).digest()


def _make(path: Path) -> None:
    """There at once and whole, or not at all; one that somebody else has made meanwhile stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{secrets.token_urlsafe(_BYTES)}\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(half, path)
    except FileExistsError:
        pass
    finally:
        half.unlink()
