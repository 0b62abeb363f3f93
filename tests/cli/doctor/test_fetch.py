"""Boot programs fetched by TFTP and HTTP, and what may be wrong with them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from netbootd.boot.site import Site
from netbootd.cli.doctor import fetch
from netbootd.cli.doctor.fetch import Got, get, loaders, tftp
from netbootd.cli.doctor.kinds import Kind
from netbootd.cli.doctor.line import Line, Status
from tests.support.doctored import serving, web

PROGRAM = bytes(range(256)) * 20
NOWHERE = Site("127.0.0.1", tftp_port=9)


@pytest.fixture(autouse=True)
def _at_leisure(monkeypatch: pytest.MonkeyPatch) -> None:
    for patience in ("_SOCKET", "_LONGEST", "_HTTP"):
        monkeypatch.setattr(fetch, patience, 60.0)


@contextmanager
def tftp_server(directory: Path) -> Iterator[Site]:
    """One that is not ours."""
    from tftpy import TftpServer

    server = TftpServer(str(directory))
    thread = threading.Thread(target=server.listen, args=("127.0.0.1", 0), kwargs={"timeout": 0.05}, daemon=True)
    thread.start()
    server.is_running.wait(60)
    try:
        yield replace(NOWHERE, tftp_port=server.listenport)
    finally:
        server.stop(now=True)
        thread.join()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "undionly.kpxe").write_bytes(PROGRAM)
    with tftp_server(tmp_path) as site:
        yield site


def one(site: Site, known: bytes | None = PROGRAM, name: str = "undionly.kpxe") -> Line:
    (line,) = loaders(site, {Kind.BIOS: name}, {name: known} if known is not None else {})
    return line


def by_http(files: dict[str, bytes], known: bytes, *, ranges: bool = True) -> Line:
    with web(serving(files, ranges=ranges)) as port:
        url = f"http://127.0.0.1:{port}/firmware/snponly.efi"
        (line,) = loaders(NOWHERE, {Kind.HTTP: url}, {"snponly.efi": known})
    return line


def test_a_file_is_read_whole_with_and_without_options(served: Site) -> None:
    assert tftp(served, "undionly.kpxe", 1468) == Got(PROGRAM, len(PROGRAM))
    assert tftp(served, "undionly.kpxe", None) == Got(PROGRAM)


def test_what_arrives_as_it_lies_on_disk_is_well(served: Site) -> None:
    assert one(served).status is Status.OK
    assert "as on disk" in one(served).found
    assert one(served, None).status is Status.OK


def test_another_file_than_on_disk_is_told(served: Site) -> None:
    assert one(served, PROGRAM[:-1]).status is Status.FAIL
    assert "reload" in one(served, PROGRAM[:-1]).todo


def test_a_file_that_the_server_does_not_have_is_told(served: Site) -> None:
    assert one(served, name="none.kpxe").status is Status.FAIL
    assert "not found" in one(served, name="none.kpxe").found.lower()


def test_a_server_that_says_nothing_is_told_apart_from_one_that_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_SOCKET", 0.1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        line = one(replace(NOWHERE, tftp_port=silent.getsockname()[1]))
    assert (line.status, line.found) == (Status.FAIL, "no answer")
    assert "firewall" in line.todo


def test_nothing_offered_is_nothing_to_fetch() -> None:
    (line,) = loaders(NOWHERE, {}, {})
    assert line.status is Status.SKIPPED


def test_by_http_it_must_come_whole_by_head_and_in_part() -> None:
    assert by_http({"/firmware/snponly.efi": PROGRAM}, PROGRAM).status is Status.OK
    assert "answers 404" in by_http({}, PROGRAM).found
    assert "lie on disk" in by_http({"/firmware/snponly.efi": PROGRAM[:-1]}, PROGRAM).found
    assert "Range" in by_http({"/firmware/snponly.efi": PROGRAM}, PROGRAM, ranges=False).found


def test_a_request_that_fails_says_why_and_raises_nothing() -> None:
    assert get("http://127.0.0.1:9/").error == "Connection refused"
    with web(serving({})) as port:
        assert get(f"https://127.0.0.1:{port}/").error


@pytest.mark.parametrize(
    "answer",
    [
        b"\0\6tsize\0abc\0blksize\0xyz\0",
        b"\0\6tsize",
        b"\0\6blksize\x00999999999999\0tsize\0-5\0",
        b"\0\6\xff\xfe\0\xff\0",
        b"\0",
        b"\0\5\0\1\x1b[31m\xff\0",
    ],
)
def test_a_server_that_answers_nonsense_is_told_and_raises_nothing(answer: bytes) -> None:
    """tftpy's own faults came out as tracebacks in the middle of the report."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve() -> None:
            _, peer = sock.recvfrom(2048)
            sock.sendto(answer, peer)

        threading.Thread(target=serve, daemon=True).start()
        assert tftp(Site("127.0.0.1", tftp_port=sock.getsockname()[1]), "snponly.efi", 1468).error
