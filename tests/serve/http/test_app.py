"""The boot site's addresses, and what it does with requests that are none."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from netbootd.boot.model import Machine
from netbootd.chain.scripts import Loader
from netbootd.observe.events import ArtifactServed, DaemonNotice, HttpRefused
from netbootd.serve.http.services import ScriptReply, ScriptRequest
from netbootd.wire.mac import Mac
from tests.support.bootsite import Site


@pytest.mark.parametrize(
    "target",
    [
        "/ipxe.cfg",
        "/autoexec.ipxe",
        "/firmware/autoexec.ipxe",
        "//ipxe.cfg",
        "/boot.ipxe",
        "/ipxe.efi.cfg",
        "/ipxe.cfg.cfg",
        "/eserver/ipxe.efi.cfg",
        "/eserver/ipxe.cfg",
        "/firmware/snponly.efi.cfg",
    ],
)
async def test_the_entry_script_has_several_names(site: Site, target: str) -> None:
    """iPXE 2.0 looks for autoexec.ipxe beside its own address, then at the root."""
    answer = await site.ask(target)
    assert (answer.status_line, answer.body) == ("HTTP/1.1 200 OK", b"#!ipxe\n")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Length"] == "7"
    assert [asked.mac for asked in site.services.asked] == [None]


@pytest.mark.parametrize(
    ("target", "loader"),
    [
        ("/machines/52:54:00:12:34:56/ipxe.cfg", Loader.IPXE),
        ("/machines/52%3A54%3a00%3a12%3a34%3a56/ipxe.cfg", Loader.IPXE),
        ("/machines/5254.0012.3456/ipxe.cfg", Loader.IPXE),
        ("/machines/01-52-54-00-12-34-56/ipxe.cfg", Loader.IPXE),
        ("/machines/525400123456/ipxe.cfg.cfg", Loader.IPXE),
        ("/eserver/machines/525400123456/ipxe.cfg", Loader.IPXE),
        ("/machines/525400123456/grub.cfg", Loader.GRUB),
    ],
)
async def test_a_machines_script_is_asked_for_by_any_usual_spelling_of_its_address(
    site: Site, target: str, loader: Loader
) -> None:
    await site.ask(target)
    asked = site.services.asked[0]
    assert (asked.loader, asked.mac) == (loader, Mac.parse("52:54:00:12:34:56"))


async def test_a_script_is_told_everything_about_the_request(site: Site) -> None:
    await site.ask("/ipxe.cfg?mac=52:54:00:12:34:56&product=a%20b+c&x")
    assert site.services.asked == [
        ScriptRequest(
            mac=None,
            query=(("mac", "52:54:00:12:34:56"), ("product", "a b+c"), ("x", "")),
            client_ip="127.0.0.1",
            local=("127.0.0.1", site.port),
        )
    ]


async def test_head_of_a_script_tells_its_length(site: Site) -> None:
    answer = await site.ask("/ipxe.cfg", "HEAD")
    assert (answer.status, answer["Content-Length"], answer.body) == (200, "7", b"")
    assert site.services.asked[0].head


@pytest.mark.parametrize("text", ["nonsense%1b[31m", "..%2f..%2fetc", "52:54:00:12:34", "%20"])
async def test_what_is_no_mac_is_not_found_in_one_printable_line(site: Site, text: str) -> None:
    answer = await site.ask(f"/machines/{text}/ipxe.cfg")
    assert answer.status == 404
    assert answer.body.startswith(b"not a hardware address: ")
    assert answer.body.decode()[:-1].isprintable()
    assert site.services.asked == []
    assert isinstance(site.services.told()[0], HttpRefused)


async def test_grub_gets_that_404_without_a_body(site: Site) -> None:
    answer = await site.grub("/machines/nonsense/grub.cfg")
    assert answer.headers[:2] == (("Connection", "keep-alive"), ("Content-Length", "0"))


async def test_healthz_answers(site: Site) -> None:
    answer = await site.ask("/healthz")
    assert (answer.status, answer.body) == (200, b"ok\n")


@pytest.mark.parametrize(
    "target",
    ["/", "/nothing", "/machines", "/machines/525400123456", "/machines/525400123456/x", "/ipxe.cfg/x", "/IPXE.CFG"],
)
async def test_another_address_is_not_found(site: Site, target: str) -> None:
    assert (await site.ask(target)).status == 404


class TestNamesAtTheRoot:
    """For EVE's own scripts and GRUB, and for tools that know no other place."""

    @pytest.fixture
    def site(self, site: Site) -> Site:
        site.file("sha256-aaaa/installer.iso", bytes(range(256)) * 1000)
        site.services.releases = {"127.0.0.1": {"installer.iso": "sha256-aaaa/installer.iso", "gone": "x/gone"}}
        site.services.firmware_files = {"ipxe.efi": b"MZ iPXE"}
        return site

    @pytest.mark.parametrize("target", ["/installer.iso", "/eserver/installer.iso", "//eserver//installer.iso"])
    async def test_a_file_of_the_client_s_release_whole_in_part_and_only_its_size(
        self, site: Site, target: str
    ) -> None:
        whole = await site.ask(target)
        assert (whole.status, whole["Content-Length"], whole.body) == (200, "256000", bytes(range(256)) * 1000)
        part = await site.ask(target, Range="bytes=255-257")
        assert (part.status, part["Content-Range"], part.body) == (206, "bytes 255-257/256000", b"\xff\0\1")
        head = await site.ask(target, "HEAD")
        assert (head.status, head["Content-Length"], head["Accept-Ranges"], head.body) == (200, "256000", "bytes", b"")

    async def test_is_told_under_the_name_that_installations_are_followed_by(self, site: Site) -> None:
        await site.ask("/eserver/installer.iso")
        served = next(event for event in site.services.told() if isinstance(event, ArtifactServed))
        assert served.file == "artifacts/sha256-aaaa/installer.iso"

    @pytest.mark.parametrize("target", ["/ipxe.efi", "/eserver/ipxe.efi"])
    async def test_a_boot_program(self, site: Site, target: str) -> None:
        assert (await site.ask(target)).body == b"MZ iPXE"

    @pytest.mark.parametrize("target", ["/gone", "/kernel", "/eserver", "/eserver/", "/eserver/eserver/installer.iso"])
    async def test_nothing_else_is_there(self, site: Site, target: str) -> None:
        assert (await site.ask(target)).status == 404
        assert (await site.grub(target)).headers[:2] == (("Connection", "keep-alive"), ("Content-Length", "0"))

    async def test_the_client_of_a_proxy_is_whom_the_proxy_names(self, site: Site) -> None:
        site.services.trusted_proxies = (ip_network("127.0.0.1"),)
        site.services.releases = {"192.0.2.77": {"kernel": "sha256-aaaa/installer.iso"}}
        assert (await site.ask("/kernel", X_Forwarded_For="192.0.2.77")).status == 200
        assert (await site.ask("/kernel", X_Forwarded_For="192.0.2.78")).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECTX", "PROPFIND"])
async def test_only_get_and_head_are_understood(site: Site, method: str) -> None:
    site.file("eve/kernel", b"kernel")
    answer = await site.ask("/artifacts/eve/kernel", method)
    assert answer.status in (400, 405)
    if answer.status == 405:
        assert answer["Allow"] == "GET, HEAD"
    assert all(isinstance(event, HttpRefused) for event in site.services.told())


async def test_the_body_of_a_refused_request_is_not_kept(site: Site) -> None:
    answer = await site.raw(
        b"POST /ipxe.cfg HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    )
    assert answer.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x00\x01ipxe.efi\x00octet\x00\r\n\r\n", b"400"),
        (b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"40"),
        (b"GET nothing HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET /ipxe.cfg?" + b"x" * 5000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20000 + b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET / HTTP/9.9\r\nHost: x\r\nConnection: close\r\n\r\n", b"40"),
    ],
    ids=lambda value: repr(value[:30]),
)
async def test_a_request_that_is_none_is_refused_and_told_without_a_traceback(
    site: Site, request_: bytes, status: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await site.raw(request_)
    assert answer.partition(b" ")[2].startswith(status)
    assert b"Traceback" not in answer
    assert [type(event) for event in site.services.told()] == [HttpRefused]
    assert caplog.records == []


async def test_a_fault_of_our_own_is_told_as_an_error_and_answered_500(site: Site) -> None:
    def broken(request: ScriptRequest) -> ScriptReply:
        raise ZeroDivisionError

    site.services.reply = broken
    assert (await site.ask("/ipxe.cfg")).status == 500
    (told,) = site.services.told()
    assert isinstance(told, DaemonNotice)
    assert (told.severity, told.ip) == ("error", "127.0.0.1")
    assert "ZeroDivisionError" in told.text


async def test_a_body_that_cannot_be_unpacked_is_no_fault_of_ours(site: Site) -> None:
    head = (
        b"GET /ipxe.cfg HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n"
    )
    assert (await site.raw(head + b"abc")).startswith(b"HTTP/1.1 200 OK\r\n")
    assert not [event for event in site.services.told() if isinstance(event, DaemonNotice)]


SECRET = "Zq2uWm7xKp4tVn9rYc3sHd6f"


async def test_a_machine_is_asked_for_by_its_secret(site: Site) -> None:
    own = Machine((Mac.parse("52:54:00:12:34:56"),), "metal-1", secret=SECRET)
    site.services.machines = (own,)
    assert (await site.ask(f"/boot/{SECRET}/ipxe.cfg?mac=52-54-00-00-00-09")).status == 200
    (asked,) = site.services.asked
    assert (asked.machine, asked.mac, asked.query) == (own, None, (("mac", "52-54-00-00-00-09"),))
    assert SECRET not in repr(asked)


@pytest.mark.parametrize("target", ["/boot/Zq2uWm7xKp4tVn9rYc3sHd6g/ipxe.cfg", "/boot//ipxe.cfg", "/boot/x"])
async def test_an_unknown_secret_is_as_missing_as_any_page(site: Site, target: str) -> None:
    site.services.machines = (Machine((), "metal-1", secret=SECRET),)
    refused, other = await site.ask(target), await site.ask("/no/such/page")
    assert (refused.status_line, refused.body) == (other.status_line, other.body)
    assert [name for name, _ in refused.headers] == [name for name, _ in other.headers]
    assert not site.services.asked
