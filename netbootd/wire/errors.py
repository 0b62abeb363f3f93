"""The one family of errors a peer's bytes can cause.

Parsers in ``wire`` raise `WireError` and nothing else, whatever the bytes; a breach of our own logic is an
AssertionError.  The error carries what a server may answer.
"""

from __future__ import annotations


class WireError(ValueError):
    """The peer sent nonsense.

    ``reason`` is a short, stable word group for counters ("truncated option"); ``detail`` says what was seen;
    ``tftp_code`` is the RFC 1350 error code a TFTP server answers with.
    """

    def __init__(self, reason: str, detail: str = "", *, tftp_code: int = 0) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
        self.tftp_code = tftp_code
