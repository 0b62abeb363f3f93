"""Who asks behind a proxy: named proxies are believed on the last word they wrote, everybody else on nothing."""

from __future__ import annotations

import ssl
from ipaddress import ip_network

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from netbootd.observe.events import ArtifactServed, HttpRefused
from netbootd.serve.http.forwarded import Asker, asker
from tests.support.bootsite import Site

PROXY = ip_network("192.0.2.7/32")
INSIDE = ip_network("10.0.0.0/8")
LOOPBACK = ip_network("127.0.0.0/8")


def asked(*headers: tuple[str, str], peer: str = "192.0.2.7") -> Asker:
    request = make_mocked_request("GET", "/ipxe.cfg", CIMultiDict(headers)).clone(remote=peer)
    return asker(request, (PROXY, INSIDE))


def through(*forwarded_for: str) -> str:
    return asked(*(("X-Forwarded-For", value) for value in forwarded_for)).ip


class TestTheClient:
    def test_is_the_one_a_trusted_proxy_names(self) -> None:
        assert through("198.51.100.9") == "198.51.100.9"

    @pytest.mark.parametrize("peer", ["192.0.2.8", "203.0.113.1", "2001:db8::1", ""])
    def test_is_the_peer_itself_when_that_is_no_trusted_proxy(self, peer: str) -> None:
        spoofed = ("X-Forwarded-For", "10.0.0.5"), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "https")
        assert asked(*spoofed, peer=peer) == Asker(peer, None)

    @pytest.mark.parametrize("forged", ["10.1.1.1", "203.0.113.66", "127.0.0.1", "garbage"])
    def test_cannot_put_an_address_of_its_own_in_front(self, forged: str) -> None:
        """The proxy adds at the end the address it saw; a client's header may be a field of its own or joined."""
        assert through(f"{forged}, 198.51.100.9") == through(forged, "198.51.100.9") == "198.51.100.9"

    def test_is_looked_for_behind_a_row_of_trusted_proxies(self) -> None:
        assert through("203.0.113.66, 198.51.100.9, 10.0.0.2, 10.0.0.3") == "198.51.100.9"

    def test_inside_a_trusted_network_is_the_first_of_the_row(self) -> None:
        assert through("10.0.0.9, 10.0.0.2") == "10.0.0.9"

    @pytest.mark.parametrize("rubbish", ["", "unknown", "_hidden", "198.51.100.9.1", "1;2", ",", "${ip}"])
    def test_is_the_last_proxy_that_is_known_where_the_next_word_is_no_address(self, rubbish: str) -> None:
        assert through(rubbish) == "192.0.2.7"
        assert through(f"198.51.100.1, {rubbish}, 10.0.0.2") == "10.0.0.2"

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("198.51.100.9:4711", "198.51.100.9"),
            ("[2001:db8::9]:4711", "2001:db8::9"),
            ("[2001:db8::9]", "2001:db8::9"),
            ("2001:DB8:0::9", "2001:db8::9"),
            ("::ffff:198.51.100.9", "198.51.100.9"),
        ],
    )
    def test_may_be_written_with_a_port(self, written: str, read: str) -> None:
        assert through(written) == read

    def test_is_the_proxy_s_peer_over_a_dual_socket_too(self) -> None:
        assert asked(("X-Forwarded-For", "198.51.100.9"), peer="::ffff:192.0.2.7").ip == "198.51.100.9"

    def test_is_the_proxy_where_it_says_nothing(self) -> None:
        assert asked() == Asker("192.0.2.7", None)


class TestTheUrl:
    @pytest.mark.parametrize(
        ("proto", "host", "url"),
        [
            ("https", "boot.example.net", "https://boot.example.net"),
            ("HTTPS", "boot.example.net:8443", "https://boot.example.net:8443"),
            ("http", "[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
            ("http, https", "evil.example, boot.example.net", "https://boot.example.net"),
        ],
    )
    def test_is_the_one_the_proxy_was_asked_by(self, proto: str, host: str, url: str) -> None:
        assert asked(("X-Forwarded-Proto", proto), ("X-Forwarded-Host", host)).base_url == url

    def test_is_plain_http_unless_the_proxy_says_otherwise(self) -> None:
        assert asked(("X-Forwarded-Host", "boot.example.net")).base_url == "http://boot.example.net"

    def test_is_not_made_of_a_scheme_alone(self) -> None:
        assert asked(("X-Forwarded-Proto", "https"), ("Host", "127.0.0.1:8080")).base_url is None

    @pytest.mark.parametrize("host", ["", "a b", "b/x", "u@b", "${net0/ip}", "b||shell", "b:x", "-b", "b" * 300])
    def test_is_ours_where_the_host_is_none_a_script_can_hold(self, host: str) -> None:
        assert asked(("X-Forwarded-Host", host)).base_url is None

    @pytest.mark.parametrize("proto", ["ftp", "javascript", "https:", ""])
    def test_is_ours_where_the_scheme_is_none_of_the_two(self, proto: str) -> None:
        assert asked(("X-Forwarded-Proto", proto), ("X-Forwarded-Host", "boot.example.net")).base_url is None


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_header_breaks_it(forwarded_for: str, host: str) -> None:
    found = asked(("X-Forwarded-For", forwarded_for), ("X-Forwarded-Host", host))
    assert found.ip
    assert not found.base_url or not set(found.base_url) & set(" \n${}|&;#'\"")


class TestTheSite:
    """The same on a socket: what scripts, files and refusals are told of the client."""

    async def test_asks_for_a_script_in_the_name_of_the_client(self, site: Site) -> None:
        site.services.trusted_proxies = (LOOPBACK,)
        headers = {"X_Forwarded_For": "198.51.100.9", "X_Forwarded_Host": "boot.example.net"}
        await site.ask("/ipxe.cfg", "GET", **headers, X_Forwarded_Proto="https")
        [asked] = site.services.asked
        assert (asked.client_ip, asked.base_url) == ("198.51.100.9", "https://boot.example.net")

    async def test_believes_nobody_unless_told_to(self, site: Site) -> None:
        await site.ask("/ipxe.cfg", "GET", X_Forwarded_For="198.51.100.9", X_Forwarded_Host="boot.example.net")
        [asked] = site.services.asked
        assert (asked.client_ip, asked.base_url) == ("127.0.0.1", None)

    async def test_names_the_client_of_a_download_and_of_a_refusal(self, site: Site) -> None:
        site.services.trusted_proxies = (LOOPBACK,)
        site.file("kernel", b"k" * 300_000)
        await site.ask("/artifacts/kernel", "GET", X_Forwarded_For="198.51.100.9")
        await site.ask("/nothing", "GET", X_Forwarded_For="198.51.100.9")
        served, refused = site.services.told()
        assert isinstance(served, ArtifactServed)
        assert isinstance(refused, HttpRefused)
        assert served.ip == refused.ip == "198.51.100.9"


class TestByTls:
    """The name must be the one in the certificate: the client's own word for us, since it has just checked it."""

    @staticmethod
    def base_url(host: str, *, secure: bool = True, headers: tuple[tuple[str, str], ...] = ()) -> str | None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if secure else None
        all_headers = CIMultiDict((("Host", host), *headers))
        request = make_mocked_request("GET", "/ipxe.cfg", all_headers, sslcontext=context)
        return asker(request.clone(remote="192.0.2.7"), (PROXY,)).base_url

    @pytest.mark.parametrize("host", ["boot.example.net:8443", "boot.example.net", "192.0.2.1:8443", "[2001:db8::1]"])
    def test_machines_come_back_as_they_came(self, host: str) -> None:
        assert self.base_url(host) == f"https://{host}"

    def test_a_plain_request_names_nothing(self) -> None:
        assert self.base_url("boot.example.net", secure=False) is None

    @pytest.mark.parametrize("host", ["", "a b", "x/../y", "${net0/mac}", "a\nb", "user@host", "x" * 300])
    def test_what_is_no_host_is_not_repeated(self, host: str) -> None:
        assert self.base_url(host) is None

    def test_a_proxy_that_is_trusted_knows_better(self) -> None:
        told = (("X-Forwarded-Host", "front.example"), ("X-Forwarded-Proto", "https"))
        assert self.base_url("inner.example:8443", headers=told) == "https://front.example"
        assert self.base_url("inner.example:8443", headers=told[1:]) == "https://inner.example:8443"

    async def test_a_script_asked_for_by_tls_is_told_so(self, site: Site) -> None:
        site.tls = True
        await site.ask("/ipxe.cfg")
        assert [request.base_url for request in site.services.asked] == ["https://boot.test"]
