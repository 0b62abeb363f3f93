"""What was made for one machine, over HTTP: byte for byte, for its token alone, and never written down with it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import socket
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from netbootd.boot.plan import Document
from netbootd.fleet.changes import Entry
from netbootd.fleet.lifecycle import Stage
from netbootd.observe.events import ArtifactServed, HttpProbed, HttpRefused
from netbootd.serve.http.services import Heard, NotNow
from netbootd.serve.tokens import Tokens, label
from netbootd.wire.segments import Extent, Segments
from tests.support.bootsite import BOTH_WAYS, Answer, Site, parsed, running
from tests.support.tls import trusting
from tests.support.worlds import CARD, OTHER_CARD

TOKEN = "a-token_of_thirty-two_characters"
ISO = hashlib.shake_256(b"an ISO").digest(300_000)
CONFIG = hashlib.shake_256(b"a config.img").digest(70_000)
WITH_CONFIG = Segments.of(Extent("eve/installer.iso", 0, len(ISO))).replace(1000, 71_000, Segments.of(CONFIG))
WHOLE = ISO[:1000] + CONFIG + ISO[71_000:]


def granted(site: Site, content: Segments = WITH_CONFIG, name: str = "installer.iso", token: str = TOKEN) -> str:
    """Where it is found."""
    site.services.tokens.grant(token, CARD, (Document(name, content),))
    return f"/node/{token}/{quote(name)}"


def _undated(answer: Answer) -> list[tuple[str, str]]:
    """Its headers but for the one that tells in which second it was made."""
    return [(name, value) for name, value in answer.headers if name != "Date"]


@pytest.fixture
def iso(site: Site) -> Path:
    return site.file("eve/installer.iso", ISO)


@BOTH_WAYS
@pytest.mark.usefixtures("iso")
async def test_it_is_sent_whole_with_its_exact_length(site: Site) -> None:
    answer = await site.ask(granted(site))

    assert (answer.status_line, answer["Content-Length"]) == ("HTTP/1.1 200 OK", str(len(WHOLE)))
    assert answer.body == WHOLE
    assert answer["Accept-Ranges"] == "bytes"
    assert not {"Transfer-Encoding", "Content-Encoding", "Last-Modified"} & {name for name, _ in answer.headers}


@pytest.mark.usefixtures("iso")
async def test_no_cache_on_the_way_keeps_it(site: Site) -> None:
    """It may hold a key; and a cache that answered by itself would hide that the machine has its payload."""
    assert (await site.ask(granted(site)))["Cache-Control"] == "no-store"


@BOTH_WAYS
@pytest.mark.usefixtures("iso")
async def test_head_tells_the_same_without_the_bytes(site: Site) -> None:
    got, told = await site.ask(granted(site)), await site.ask(granted(site), "HEAD")

    assert (told.status_line, told.body) == (got.status_line, b"")
    assert _undated(told) == _undated(got)
    probed = site.services.told()[-1]
    assert probed == HttpProbed(
        ip="127.0.0.1", mac=str(CARD), file=f"node/{label(TOKEN)}/installer.iso", size=len(WHOLE)
    )


@BOTH_WAYS
@pytest.mark.usefixtures("iso")
@pytest.mark.parametrize(
    ("first", "last"), [(0, 10), (999, 1000), (70_999, 71_000), (500, 100_000), (299_999, 299_999)]
)
async def test_a_range_is_a_part_of_it(site: Site, first: int, last: int) -> None:
    answer = await site.ask(granted(site), Range=f"bytes={first}-{last}")

    assert (answer.status, answer.body) == (206, WHOLE[first : last + 1])
    assert answer["Content-Range"] == f"bytes {first}-{last}/{len(WHOLE)}"


@pytest.mark.usefixtures("iso")
async def test_grub_reads_and_seeks(site: Site) -> None:
    whole, part = await site.grub(granted(site)), await site.grub(granted(site), "Range: bytes=70000-")

    assert (whole.status_line, whole.body) == ("HTTP/1.1 200 OK", WHOLE)
    assert (part.status_line, part.body) == ("HTTP/1.1 206 Partial Content", WHOLE[70_000:])


@BOTH_WAYS
@pytest.mark.parametrize("content", [Segments.of(b"a=1\n"), Segments(), Segments.of(CONFIG), Segments.zeros(1 << 20)])
async def test_what_is_of_no_file_is_sent_too(site: Site, content: Segments) -> None:
    answer = await site.ask(granted(site, content, "grub.cfg"))

    assert (answer.status, answer.body) == (200, content.joined())


async def test_a_name_may_have_slashes_and_what_a_url_has_to_quote(site: Site) -> None:
    assert (await site.ask(granted(site, Segments.of(b"x"), "EFI/BOOT/grub c+%.cfg"))).body == b"x"


class TestTag:
    """The ETag is that of the very bytes."""

    @pytest.mark.usefixtures("iso")
    async def test_is_the_same_for_the_same(self, site: Site) -> None:
        first = await site.ask(granted(site))
        again = await site.ask(granted(site, token="b" * 32), If_None_Match=first["ETag"])

        assert (again.status, again.body) == (304, b"")
        resumed = await site.ask(granted(site), Range="bytes=299990-", If_Range=first["ETag"])
        assert (resumed.status, resumed.body) == (206, WHOLE[299_990:])

    async def test_is_another_when_a_file_is(self, site: Site, iso: Path) -> None:
        tag = (await site.ask(granted(site)))["ETag"]
        os.utime(iso, (1.0, 1.0))

        answer = await site.ask(granted(site), Range="bytes=299990-", If_Range=tag)
        assert (answer.status, answer.body) == (200, WHOLE)

    @pytest.mark.usefixtures("iso")
    async def test_is_another_when_the_rest_is(self, site: Site) -> None:
        other = WITH_CONFIG.replace(1000, 1001, Segments.of(b"!"))
        moved = Segments.of(Extent("eve/installer.iso", 1, len(ISO) - 1), b"x")
        contents = (WITH_CONFIG, other, moved, Segments.of(b"a" * 70_000), Segments.of(b"b" * 70_000))

        tags = [(await site.ask(granted(site, content)))["ETag"] for content in contents]
        assert len(set(tags)) == len(contents)


class TestWhoMay:
    """The token, and nothing else, opens it."""

    @pytest.mark.usefixtures("iso")
    @pytest.mark.parametrize(
        "target",
        [
            "/node/b-token_of_thirty-two_characters/installer.iso",
            f"/node/{TOKEN}/config.img",
            f"/node/{TOKEN}/./installer.iso",
            f"/node/{TOKEN}/..%2finstaller.iso",
            f"/node/{TOKEN}%00/installer.iso",
            f"/node/{TOKEN.upper()}/installer.iso",
            f"/node/{label(TOKEN)}/installer.iso",
            "/node/%ff/installer.iso",
            f"/node/{CARD.hexhyp}/installer.iso",
            f"/artifacts/node/{TOKEN}/installer.iso",
        ],
    )
    async def test_anything_else_is_answered_as_a_missing_file(self, site: Site, target: str) -> None:
        granted(site)
        missing = await site.ask("/artifacts/eve/none")
        answer = await site.ask(target)

        assert (answer.status_line, answer.body) == (missing.status_line, missing.body)
        assert [name for name, _ in answer.headers] == [name for name, _ in missing.headers]

    @pytest.mark.parametrize("target", ["/node", f"/node/{TOKEN}", f"/node/{TOKEN}/", f"/node/{TOKEN}%2fx"])
    async def test_there_is_no_list_of_anything(self, site: Site, target: str) -> None:
        granted(site)

        assert (await site.ask(target)).status == 404

    async def test_grub_survives_that_answer(self, site: Site) -> None:
        """Its Content-Length is not the first header, and it has no body."""
        answer = await site.grub("/node/unknown/grub.cfg")

        assert answer.headers[:2] == (("Connection", "keep-alive"), ("Content-Length", "0"))

    @pytest.mark.usefixtures("iso")
    async def test_one_that_is_over_is_as_one_that_never_was(self, site: Site) -> None:
        now = [0.0]
        site.services.tokens = Tokens(clock=lambda: now[0])
        target = granted(site)
        assert (await site.ask(target)).status == 200
        now[0] = 7200.0
        assert await site.ask(target) == await site.ask("/node/never/installer.iso")

    @pytest.mark.usefixtures("iso")
    async def test_a_transfer_that_began_in_time_ends_whole(self, site: Site) -> None:
        now = [0.0]
        site.services.tokens = Tokens(clock=lambda: now[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(f"GET {granted(site)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        now[0] = 7200.0
        assert await reader.read() == WHOLE
        writer.close()


class TestWhatIsTold:
    """Events name the machine, and the token by its label."""

    @pytest.mark.usefixtures("iso")
    async def test_a_download(self, site: Site) -> None:
        await site.ask(granted(site), Range="bytes=299000-")

        told = await site.services.events.get()
        assert isinstance(told, ArtifactServed)
        assert (told.mac, told.file) == (str(CARD), f"node/{label(TOKEN)}/installer.iso")
        assert (told.offset, told.size, told.sent, told.total, told.complete) == (299_000, 1000, 1000, 300_000, True)

    @pytest.mark.parametrize(
        "target",
        [
            "/node/{}/none",
            "//node///{}/none",
            "/%6eode/{}/none",
            "/NODE/{}/none",
            "/./node/{}/none",
            "/node%2f{}/none",
            "/node/{}/none%zz",
            "/node/{}",
            "http://boot.test/node/{}/none?x=1",
            "/boot/node/{}/none",
            "/none?then=/node/{}/none",
        ],
    )
    async def test_a_refusal(self, site: Site, target: str) -> None:
        token = secrets.token_urlsafe(24)
        granted(site, token=token)
        assert (await site.ask(target.format(token))).status in (400, 404)

        (told,) = site.services.told()
        assert isinstance(told, HttpRefused)
        assert token not in repr(told)
        assert label(token) in told.file

    async def test_one_that_may_not_be_sent_before_its_record(self, site: Site) -> None:
        site.services.admitted = False
        answer = await site.ask(granted(site, Segments.of(b"x")))

        assert answer.status == 503
        assert TOKEN not in answer.body.decode()


class TestFilesThatAreNotWhatTheyWere:
    """A machine is never given zeros, or another file's bytes, in place of what was promised."""

    async def test_one_that_is_gone_or_too_short_is_told_at_once(self, site: Site, iso: Path) -> None:
        target = granted(site)
        os.truncate(iso, len(ISO) - 1)
        short = await site.ask(target)
        iso.unlink()
        gone = await site.ask(target)

        assert (short.status, gone.status) == (503, 503)
        assert b"eve/installer.iso has 299999 bytes" in short.body
        assert b"no such file" in gone.body

    async def interrupted(self, site: Site, size: int) -> ArtifactServed:
        """What is told of a download during which the file gets this size."""
        iso = site.file("eve/large.iso", b"")
        os.truncate(iso, 16 << 20)
        target = granted(site, Segments.of(Extent("eve/large.iso", 0, 16 << 20), b"TRAILER!!!"))
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", site.port))
            await loop.sock_sendall(client, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await loop.sock_recv(client, 1000)
            os.truncate(iso, size)
            with suppress(ConnectionResetError):
                while await loop.sock_recv(client, 1 << 20):
                    pass
        told = await site.services.events.get()
        assert isinstance(told, ArtifactServed)
        return told

    async def test_one_that_shrinks_ends_the_connection(self, site: Site) -> None:
        told = await self.interrupted(site, 8 << 20)

        assert (told.complete, told.detail) == (False, "the file became shorter while it was sent")
        assert told.sent <= 8 << 20

    async def test_one_that_grows_does_too(self, site: Site) -> None:
        told = await self.interrupted(site, 17 << 20)

        assert (told.complete, told.detail) == (False, "a file it is made of changed while it was sent")
        assert told.sent == 16 << 20

    async def test_files_are_closed_whatever_happens(self, site: Site, iso: Path) -> None:
        other = Segments.of(Extent("eve/installer.iso", 0, 10), Extent("eve/none", 0, 10))
        before = open_files()
        for content in (WITH_CONFIG, other, Segments.of(Extent("eve/installer.iso", 0, len(ISO) + 1))):
            await site.ask(granted(site, content))
        while open_files() > before:  # the connections' own
            await asyncio.sleep(0)


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


PIECES = st.one_of(
    st.binary(max_size=300),
    st.integers(0, 200_000).map(Segments.zeros),
    st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 90_000), st.integers(0, 10_000)).map(
        lambda extent: Extent(f"eve/{extent[0]}", extent[1], extent[2])
    ),
)
FILES = {f"eve/{name}": hashlib.shake_256(name.encode()).digest(100_000) for name in ("a", "b")}


@pytest.fixture(params=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    factory = asyncio.new_event_loop if request.param == "asyncio" else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        yield runner


@BOTH_WAYS
def test_any_range_of_any_document_is_a_slice_of_it(runner: asyncio.Runner, tmp_path: Path, tls: bool) -> None:
    place = running(tmp_path, tls=tls)
    site = runner.run(place.__aenter__())
    for name, data in FILES.items():
        site.file(name, data)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(PIECES, max_size=12), st.data())
    def holds(parts: list[bytes | Segments | Extent], data: st.DataObject) -> None:
        content = Segments.of(*parts)
        whole = content.joined(lambda piece: FILES[str(piece.source)][piece.offset : piece.offset + piece.length])
        first = data.draw(st.integers(0, max(0, len(whole) - 1)))
        last = data.draw(st.integers(first, len(whole) + 10))
        target = granted(site, content)

        answer: Answer = runner.run(site.ask(target, Range=f"bytes={first}-{last}"))

        assert answer.status == (206 if whole else 200)
        assert answer.body == whole[first : last + 1]
        assert answer["Content-Length"] == str(len(answer.body))

    holds()
    runner.run(place.__aexit__(None, None, None))


@BOTH_WAYS
def test_an_iso_of_a_gigabyte_costs_no_more_memory_than_a_small_one(tmp_path: Path, tls: bool) -> None:
    """Each is read by a thread that keeps nothing."""

    async def peak(size: int) -> int:
        async with running(tmp_path, tls=tls) as site:
            os.truncate(site.file("eve/large.iso", b""), size)
            content = Segments.of(Extent("eve/large.iso", 0, size), Segments.zeros(5 << 20))
            target = granted(site, content.replace(1000, 1000 + (5 << 20), Segments.zeros(5 << 20)))
            tracemalloc.start()
            taken = asyncio.create_task(asyncio.to_thread(take, site.port, target))
            told = await site.services.events.get()
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            await taken
            assert isinstance(told, ArtifactServed)
            assert told.complete
            assert told.sent > size
            return most

    def take(port: int, target: str) -> None:
        with ExitStack() as stack:
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            if tls:
                client = stack.enter_context(trusting().wrap_socket(client, server_hostname="localhost"))
            client.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            buffer = bytearray(1 << 20)
            while client.recv_into(buffer):
                pass

    small, large = asyncio.run(peak(6 << 20)), asyncio.run(peak(1 << 30))
    held = 512 << 10  # what is on its way, at most
    assert large < small + held
    assert large < 4 << 20


async def test_a_file_under_a_token_counts_for_the_machine_of_the_token(site: Site) -> None:
    site.file("rescue/vmlinuz", b"kernel")
    site.services.tokens.grant(TOKEN, CARD, ())
    answer = await site.ask(f"/node/{TOKEN}/artifacts/rescue/vmlinuz")
    assert (answer.status, answer.body, answer["Cache-Control"]) == (200, b"kernel", "no-store")
    (served,) = (event for event in site.services.told() if isinstance(event, ArtifactServed))
    assert (served.mac, served.file) == (str(CARD), f"node/{label(TOKEN)}/artifacts/rescue/vmlinuz")


@pytest.mark.parametrize("path", ["artifacts/rescue/vmlinuz", "artifacts/../netbootd.yaml", "artifacts/", "artifacts"])
async def test_a_file_under_no_token_is_missing(site: Site, path: str) -> None:
    site.file("rescue/vmlinuz", b"kernel")
    assert (await site.ask(f"/node/another-token-of-thirty-two-chars/{path}")).status == 404


ENTRY = Entry(CARD, Stage.ARMED, 1.0, "a person", 3)


def installing(site: Site, token: str = TOKEN) -> None:
    site.services.tokens = Tokens(lambda _mac: ENTRY)
    site.services.tokens.grant(token, CARD, (), installs=True)


async def post(site: Site, target: str, body: bytes, content_type: str = "text/plain") -> Answer:
    head = f"POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {content_type}\r\n"
    return parsed(await site.raw(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body))


class TestCall:
    """An installer says how it went: it has wget or curl, and no more."""

    @BOTH_WAYS
    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("how", ["done", "failed"])
    async def test_is_taken_under_the_token_of_its_boot(self, site: Site, how: str, method: str) -> None:
        installing(site)
        answer = await site.ask(f"/node/{TOKEN}/{how}", method)

        assert (answer.status_line, answer.body) == ("HTTP/1.1 200 OK", f"{how}\n".encode())
        assert (answer["Content-Type"], answer["Cache-Control"]) == ("text/plain; charset=utf-8", "no-store")
        assert site.services.called == [(CARD, 3, how == "done", "")]

    @pytest.mark.parametrize(
        ("query", "content_type", "body", "said"),
        [
            ("?message=no%20disk%0afound", "text/plain", b"", "no disk found"),
            ("?code=1", "text/plain", b"no disk\nfound\n", "no disk found"),
            ("", "application/x-www-form-urlencoded", b"message=no+disk", "no disk"),
            ("?message=first", "text/plain", b"second", "first"),
        ],
    )
    async def test_has_its_message_in_the_query_a_form_or_a_text(
        self, site: Site, query: str, content_type: str, body: bytes, said: str
    ) -> None:
        installing(site)
        assert (await post(site, f"/node/{TOKEN}/failed{query}", body, content_type)).status == 200
        assert site.services.called == [(CARD, 3, False, said)]

    async def test_of_a_whole_log_the_beginning_is_heard(self, site: Site) -> None:
        installing(site)
        assert (await post(site, f"/node/{TOKEN}/failed", b"x" * 200_000)).status == 200
        ((_, _, _, said),) = site.services.called
        assert (len(said), said[:3], said[-1]) == (300, "xxx", "…")

    @pytest.mark.parametrize(
        ("head", "rest"),
        [
            ("Content-Length: 100", b"no dis"),
            ("Transfer-Encoding: chunked", b"6\r\nno dis\r\n5"),
            ("Transfer-Encoding: chunked", b"6\r\nno dis\r\nQ\r\n"),
        ],
    )
    async def test_whose_message_breaks_off_is_not_taken_and_no_fault_of_ours(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, head: str, rest: bytes
    ) -> None:
        installing(site)
        begun, calls = asyncio.Event(), site.services.calls

        async def seen(token: str, ip: str) -> bool:
            begun.set()
            return await calls(token, ip)

        monkeypatch.setattr(site.services, "calls", seen)
        with await site.begun(f"POST /node/{TOKEN}/failed HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode()) as client:
            await begun.wait()
            await client.send(rest)
        assert isinstance(await site.services.events.get(), HttpRefused)
        assert site.services.called == []

    async def test_that_is_asked_for_by_head_alone_changes_nothing(self, site: Site) -> None:
        installing(site)
        assert (await site.ask(f"/node/{TOKEN}/done", "HEAD")).status == 200
        assert site.services.called == []

    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
    @pytest.mark.parametrize("how", ["done", "failed"])
    @pytest.mark.parametrize("token", ["never" * 7, "x", TOKEN[:-1], label(TOKEN)])
    async def test_under_any_other_token_is_a_missing_file(self, site: Site, token: str, how: str, method: str) -> None:
        installing(site)
        missing = await site.ask("/artifacts/none", "HEAD" if method == "HEAD" else "GET")

        assert await site.ask(f"/node/{token}/{how}", method) == missing
        assert site.services.called == []

    async def test_of_a_machine_that_installs_nothing_is_a_missing_file(self, site: Site) -> None:
        granted(site)
        assert (await site.ask(f"/node/{TOKEN}/done")).status == 404

    async def test_nobody_waits_for_is_a_missing_file(self, site: Site) -> None:
        """Used, taken back, or the contrary of what was said before."""
        installing(site)
        site.services.heard = Heard.REFUSED
        assert await site.ask(f"/node/{TOKEN}/failed") == await site.ask("/node/never/failed")

    async def test_that_cannot_be_written_down_is_to_be_made_again(self, site: Site) -> None:
        installing(site)
        site.services.heard = Heard.NOT_WRITTEN
        assert (await site.ask(f"/node/{TOKEN}/done")).status == 503

    @pytest.mark.parametrize("path", ["done/", "done/x", "Done", "done%2f", "artifacts/done"])
    async def test_has_its_own_two_addresses_and_no_other(self, site: Site, path: str) -> None:
        installing(site)
        await site.ask(f"/node/{TOKEN}/{path}")
        assert [done for *_, done, _ in site.services.called] == ([True] if path == "done/" else [])

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
    async def test_is_no_other_method_s(self, site: Site, method: str) -> None:
        installing(site)
        assert (await site.ask(f"/node/{TOKEN}/done", method)).status == 405
        assert (await site.ask(f"/node/{TOKEN}/config.img", "POST")).status == 405
        assert site.services.called == []

    async def test_is_told_of_without_its_token(self, site: Site) -> None:
        installing(site)
        site.services.heard = Heard.REFUSED
        await site.ask(f"/node/{TOKEN}/failed?message=x")
        (event,) = site.services.told()
        assert isinstance(event, HttpRefused)
        assert event.file == f"/node/{label(TOKEN)}/failed?message=x"


class TestRefused:
    """Whatever is asked for, and whatever is wrong with the token, the answer is that of a file that is not there."""

    @pytest.mark.usefixtures("iso")
    @pytest.mark.parametrize("path", ["installer.iso", "artifacts/eve/installer.iso", "done", "failed"])
    @pytest.mark.parametrize("wrong", ["missing", "expired", "foreign", "no token"])
    async def test_wrong_tokens_tell_nothing(self, site: Site, path: str, wrong: str) -> None:
        now = [0.0]
        site.services.tokens = tokens = Tokens(lambda _mac: ENTRY, clock=lambda: now[0])
        document = Document("installer.iso", WITH_CONFIG)
        tokens.grant("e" * 32, CARD, (document,), installs=True)
        now[0] = 1e6
        tokens.grant("o" * 32, OTHER_CARD, ())  # it installs nothing, and nothing was made for it
        tokens.grant(TOKEN, CARD, (document,), installs=True)
        token = {"missing": "m" * 32, "expired": "e" * 32, "foreign": "o" * 32, "no token": ""}[wrong]
        ours = wrong == "foreign" and path.startswith("artifacts/")  # anybody may fetch what is under artifacts

        answer = await site.ask(f"/node/{token}/{path}")
        assert answer.status == (200 if ours else 404)
        if not ours and token:
            assert answer == await site.ask("/artifacts/none")
        assert site.services.called == []

    @pytest.mark.parametrize("path", ["config.img", "artifacts/x", "done", "failed"])
    async def test_what_cannot_be_found_out_now_is_to_be_asked_again(
        self, site: Site, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def not_now(*_: object) -> None:
            raise NotNow

        for name in ("document", "holder", "calls"):
            monkeypatch.setattr(site.services, name, not_now)
        assert (await site.ask(f"/node/{TOKEN}/{path}")).status == 503
