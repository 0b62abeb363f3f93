"""How a refusal looks on the wire."""

from __future__ import annotations

from tests.support.bootsite import Site


async def test_grub_gets_a_404_whose_first_header_may_be_lost_and_that_has_no_body(site: Site) -> None:
    """GRUB 2.12 eats the first header after a 404, and reads a body as the file it asked for."""
    answer = await site.grub("/artifacts/eve/boot/.uuid")
    assert answer.status_line == "HTTP/1.1 404 Not Found"
    assert answer.headers[:2] == (("Connection", "keep-alive"), ("Content-Length", "0"))
    assert answer.body == b""


async def test_grub_can_go_on_with_the_same_connection_after_a_404(site: Site) -> None:
    site.file("eve/kernel", b"kernel")
    data = await site.raw(
        b"GET /artifacts/eve/none HTTP/1.1\r\nHost: x\r\nUser-Agent: GRUB 2.12\r\n\r\n"
        b"GET /artifacts/eve/kernel HTTP/1.1\r\nHost: x\r\nUser-Agent: GRUB 2.12\r\nConnection: close\r\n\r\n"
    )
    assert data.startswith(b"HTTP/1.1 404 Not Found\r\nConnection: keep-alive\r\nContent-Length: 0\r\n")
    assert data.endswith(b"kernel")


async def test_grub_is_told_of_other_errors_in_the_same_way(site: Site) -> None:
    """For its parser they do not differ: whatever came as the text of the error would be read as the file."""
    answer = await site.grub("/artifacts/%zz")
    assert answer.status_line == "HTTP/1.1 400 Bad Request"
    assert answer.headers[:2] == (("Connection", "keep-alive"), ("Content-Length", "0"))
    assert answer.body == b""


async def test_other_clients_read_one_line(site: Site) -> None:
    answer = await site.ask("/artifacts/eve/none", User_Agent="curl/8")
    assert answer.status_line == "HTTP/1.1 404 Not Found"
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Length"] == str(len(answer.body))
    assert answer.body == b"no such file\n"


async def test_a_head_request_is_refused_without_a_body(site: Site) -> None:
    answer = await site.ask("/nothing", "HEAD")
    assert answer.status == 404
    assert answer.body == b""
