"""Sources of TFTP reads: what a mode makes of them, and whose a file is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from netbootd.serve.tftp_source import Content, OpenFile, Refused, dispose, in_mode
from netbootd.wire.tftp import ErrorCode

SCRIPT = Content("ipxe.cfg", b"#!ipxe\nexit\n")


def test_octet_carries_it_as_it_is() -> None:
    assert in_mode("octet", SCRIPT) is SCRIPT


def test_netascii_carries_a_text_with_its_line_ends() -> None:
    assert in_mode("netascii", SCRIPT) == Content("ipxe.cfg", b"#!ipxe\r\nexit\r\n")


@pytest.mark.parametrize(
    ("mode", "source"),
    [("netascii", Content("kernel", bytes(1 << 20))), ("netascii", OpenFile("kernel", -1, 10)), ("mail", SCRIPT)],
    ids=["a large file", "a file on disk", "another mode"],
)
def test_what_would_arrive_damaged_is_refused_with_the_cure(mode: str, source: Content | OpenFile) -> None:
    with pytest.raises(Refused, match=f"ask for mode octet \\(binary\\), not {mode}") as refused:
        in_mode(mode, source)
    assert refused.value.tftp_code == ErrorCode.NOT_DEFINED


def test_a_file_that_nobody_reads_any_more_is_closed(tmp_path: Path) -> None:
    (tmp_path / "kernel").write_bytes(b"x")
    fd = os.open(tmp_path / "kernel", os.O_RDONLY)
    dispose(OpenFile("kernel", fd, 1))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    dispose(SCRIPT)
