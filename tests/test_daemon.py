"""The daemon in this process, on ports of the system's choice; tests/system has it as a process on a network."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import structlog

from netbootd.announce import Started
from netbootd.config import Config, ConfigError
from netbootd.config.certificate import Tls
from netbootd.daemon import CannotListen, Daemon
from netbootd.fleet.database import peek
from netbootd.net.interfaces import NoSuchInterface
from netbootd.observe.banner import Banner
from netbootd.observe.events import DaemonNotice, Event, HostileValue, InstallerSaid
from netbootd.observe.log import LogSink
from netbootd.serve.sockets import Sockets
from netbootd.serve.tftp import TftpServer
from netbootd.systemd import Notifier
from netbootd.wire.mac import Mac
from tests.support import tftp_client
from tests.support.house import KERNEL, furnished, settings
from tests.support.settings import Files
from tests.support.tls import certify, trusting

PORTS = "dhcp: {mode: off}\ntftp: {port: 0}\nhttp: {port: 0}\nadmin: {listen: '127.0.0.1:0'}\ninterfaces: [lo]\n"


class Manager(Notifier):
    """Stands where systemd listens."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: asyncio.Queue[str] = asyncio.Queue()

    def ready(self, status: str = "") -> None:
        self.heard.put_nowait(f"READY {status}")

    def reloading(self, now_usec: int) -> None:
        self.heard.put_nowait("RELOADING")

    def stopping(self, status: str = "") -> None:
        self.heard.put_nowait("STOPPING")


class Log(LogSink):
    """Keeps what would be written."""

    def __init__(self) -> None:
        super().__init__(structlog.wrap_logger(None))
        self.events: list[Event] = []
        self.facts = Banner(version="")

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def banner(self, facts: Banner) -> None:
        self.facts = facts

    def notices(self, severity: str) -> list[str]:
        return [e.text for e in self.events if isinstance(e, DaemonNotice) and e.severity == severity]


@dataclass
class House:
    """A daemon's settings and surroundings; ``reread`` is what a reload reads."""

    files: Files
    ports: str = PORTS
    log: Log = field(default_factory=Log)
    manager: Manager = field(default_factory=Manager)
    reread: Callable[[], Config] | None = None

    def config(self, more: str = "") -> Config:
        return self.files.load(settings(self.files.directory, self.ports + more))

    def daemon(self, config: Config, told: Callable[[Started], None] = lambda _: None) -> Daemon:
        def reread() -> Config:
            return self.reread() if self.reread else config

        return Daemon(config, reread=reread, log=self.log, sockets=Sockets(), notifier=self.manager, told=told)

    @asynccontextmanager
    async def running(self, more: str = "") -> AsyncIterator[House]:
        task = asyncio.create_task(self.daemon(self.config(more)).run())
        ready = asyncio.create_task(self.manager.heard.get())
        await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
        assert ready.done(), task.exception()
        yield self
        os.kill(os.getpid(), signal.SIGTERM)
        await task

    async def reload(self) -> str:
        """SIGHUP, and what the service manager hears at its end."""
        os.kill(os.getpid(), signal.SIGHUP)
        assert await self.manager.heard.get() == "RELOADING"
        return await self.manager.heard.get()

    def port(self, service: str) -> int:
        (said,) = [each for each in self.log.facts.services if each.startswith(f"{service} on ")]
        return int(said.split()[-1])

    async def get(self, path: str) -> str:
        async with aiohttp.request("GET", f"http://127.0.0.1:{self.port('HTTP')}{path}") as answer:
            return await answer.text()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(Files(furnished(tmp_path)))


async def test_ready_means_that_everything_is_served_and_the_banner_says_where(house: House) -> None:
    async with house.running("unknown: silent\n"):
        assert await house.get("/healthz") == "ok\n"
        assert f"http://127.0.0.1:{house.port('HTTP')}/machines/" in await house.get("/ipxe.cfg")
        read = await tftp_client.read(("127.0.0.1", house.port("TFTP")), "kernel")
        assert bytes(read.received) == KERNEL
        async with aiohttp.request("GET", house.log.facts.admin_url) as page:
            shown = await page.text()
        assert "Nothing has booted yet" in shown
        assert house.log.facts.script_urls[0] in shown
        facts = house.log.facts
        assert (facts.unknown, facts.firmware) == ("silent", ("snponly.efi", "undionly.kpxe"))
        assert facts.script_urls == (f"http://127.0.0.1:{house.port('HTTP')}/ipxe.cfg",)
    assert await house.manager.heard.get() == "STOPPING"


async def test_one_address_and_http_alone(house: House) -> None:
    more = PORTS.replace("tftp: {port: 0}", "tftp: {mode: off}") + "listen: 127.0.0.9\n"
    config = house.files.load(settings(house.files.directory, more))
    told: asyncio.Queue[Started] = asyncio.Queue()
    daemon = house.daemon(config, told.put_nowait)
    task = asyncio.create_task(daemon.run())
    where = await told.get()
    assert (where.http.address, where.tftp, where.dhcp) == ("127.0.0.9", None, ())
    async with aiohttp.request("GET", f"{where.url}/healthz") as answer:
        assert await answer.text() == "ok\n"
    async with aiohttp.request("GET", f"http://127.0.0.1:{where.admin.port}/") as page:
        assert "TFTP" not in await page.text()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", where.http.port)
    os.kill(os.getpid(), signal.SIGTERM)
    await task


async def test_the_script_of_a_new_boot_cuts_what_the_grub_of_the_last_one_left_open(house: House) -> None:
    async with house.running():
        (house.files.directory / "artifacts" / "rootfs.img").write_bytes(bytes(16 << 20))
        async with aiohttp.ClientSession(headers={"User-Agent": "GRUB 2.12"}) as grub:
            download = await grub.get(f"http://127.0.0.1:{house.port('HTTP')}/artifacts/rootfs.img")
            await house.get("/ipxe.cfg")
            with pytest.raises(aiohttp.ClientError):
                await download.read()


async def test_a_reload_swaps_what_is_served_and_says_so(house: House) -> None:
    async with house.running():
        more = "profiles:\n  rescue: {payload: linux, kernel: kernel}\nunknown: rescue\n"
        house.reread = lambda: house.config(more)
        assert "artifacts/kernel" not in await house.get("/machines/525400000007/ipxe.cfg")
        assert await house.reload() == "READY 0 machines, 1 profiles"
        assert "artifacts/kernel" in await house.get("/machines/525400000007/ipxe.cfg")
        assert house.log.notices("info") == ["settings reloaded: 0 machines, 1 profiles"]


async def test_wrong_settings_change_nothing_and_every_problem_is_told(house: House) -> None:
    async with house.running():
        house.reread = lambda: house.config("unknwon: silent\nlop: 1\n")
        before = await house.get("/machines/525400000007/ipxe.cfg")
        assert await house.reload() == "READY 0 machines, 0 profiles"
        assert await house.get("/machines/525400000007/ipxe.cfg") == before
        assert len(house.log.notices("error")) == 2
        assert all(text.startswith("not reloaded, ") for text in house.log.notices("error"))
        house.reread = lambda: house.files.load(settings(house.files.directory, PORTS.replace("[lo]", "[lan9]")))
        await house.reload()
        assert "no interface 'lan9' here" in house.log.notices("error")[-1]


async def test_of_two_reloads_the_one_that_was_asked_last_holds(house: House) -> None:
    """Though reading the first takes longer."""
    first, second = house.config(), house.config("profiles:\n  rescue: {payload: linux, kernel: kernel}\n")
    slow, turns = threading.Event(), [first, second]

    def reread() -> Config:
        config = turns.pop(0)
        if config is first:
            slow.wait(10)
        return config

    async with house.running():
        house.reread = reread
        os.kill(os.getpid(), signal.SIGHUP)
        assert await house.manager.heard.get() == "RELOADING"
        os.kill(os.getpid(), signal.SIGHUP)
        await house.get("/healthz")  # the second signal has been taken by then
        slow.set()
        heard = [await house.manager.heard.get() for _ in range(3)]
        assert heard == ["READY 0 machines, 0 profiles", "RELOADING", "READY 0 machines, 1 profiles"]


async def test_what_takes_a_restart_is_named_as_the_settings_name_it_against_what_runs(house: House) -> None:
    async with house.running():
        original = house.config()
        house.reread = lambda: house.files.load(
            settings(
                house.files.directory,
                PORTS.replace("mode: off", "mode: proxy").replace("{port: 0}", "{port: 0, single_port: true}", 1),
            )
        )
        expected = ["dhcp.mode changed: that takes a restart", "tftp.single_port changed: that takes a restart"]
        await house.reload()
        await house.reload()
        assert house.log.notices("warning") == expected * 2
        house.reread = lambda: original
        await house.reload()
        assert house.log.notices("warning") == expected * 2


async def test_what_could_not_be_read_at_a_reload_is_told(house: House) -> None:
    async with house.running():
        house.reread = lambda: house.config("templates: none\n")
        await house.reload()
        (warning,) = house.log.notices("warning")
        assert warning.startswith("templates: ")


async def test_a_fault_of_ours_in_a_reload_is_told_and_the_manager_is_not_left_waiting(house: House) -> None:
    def broken() -> Config:
        raise RuntimeError("boom")

    async with house.running():
        house.reread = broken
        assert (await house.reload()).startswith("READY")
        assert await house.get("/healthz") == "ok\n"
        assert house.log.notices("error") == ["internal error, please report it: RuntimeError('boom')"]


async def test_a_fault_in_what_looks_on_is_told_and_keeps_no_machine_from_its_script(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_log: Log, _event: Event) -> None:
        raise RuntimeError("boom")

    async with house.running():
        monkeypatch.setattr(Log, "__call__", broken)
        for _ in range(2):
            assert (await house.get("/ipxe.cfg")).startswith("#!ipxe")
        assert caplog.messages.count("internal error, please report it: RuntimeError('boom')") == 1


async def test_a_fault_at_the_end_is_told_and_keeps_nothing_from_being_written(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_server: TftpServer, _grace: float) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(TftpServer, "stop", broken)
    async with house.running():
        await house.get("/machines/525400000007/ipxe.cfg")
    assert "internal error, please report it: RuntimeError('boom')" in caplog.messages
    assert [record.macs for record in peek(house.config().state).records] == [(Mac.parse("525400000007"),)]


async def test_a_port_that_is_taken_ends_the_start_with_that_and_nothing_else(house: House) -> None:
    with Sockets().tcp("http", "0.0.0.0", 0) as taken:
        port = taken.getsockname()[1]
        config = house.files.load(
            settings(house.files.directory, PORTS.replace("http: {port: 0}", f"http: {{port: {port}}}"))
        )
        with pytest.raises(CannotListen, match=f"TCP port {port} on"):
            await house.daemon(config).run()


async def test_an_interface_that_is_not_there_ends_the_start(house: House) -> None:
    config = house.files.load(settings(house.files.directory, PORTS.replace("[lo]", "[lan9]")))
    with pytest.raises(NoSuchInterface, match="'lan9'"):
        await house.daemon(config).run()


async def test_a_user_that_does_not_exist_ends_the_start_before_anything_is_served(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netbootd.privileges.os.geteuid", lambda: 0)
    with pytest.raises(ConfigError) as refused:
        await house.daemon(house.config("user: nobody-here\n")).run()
    assert str(refused.value) == (
        f"{house.files.directory}/netbootd.yaml: user: there is no user 'nobody-here' on this machine"
    )


async def test_what_a_person_should_know_at_the_start_is_in_the_banner(house: House) -> None:
    async with house.running("templates: none\n"):
        (warning,) = house.log.facts.warnings
        assert "none is not a directory" in warning


class TestTls:
    """By `http.tls` everything is served by TLS too, under a certificate that a reload renews."""

    SETTINGS = "http: {port: 0, tls: {port: 0, certificate: boot.crt, key: boot.key}}\n"

    @pytest.fixture
    def tls(self, house: House) -> Tls:
        house.ports = house.ports.replace("http: {port: 0}\n", self.SETTINGS)
        return certify(house.files.directory)

    async def script(self, house: House, trusted: str, host: str = "localhost") -> str:
        url = f"https://{host}:{house.port('HTTPS')}/ipxe.cfg"
        async with aiohttp.request("GET", url, ssl=trusting(trusted)) as answer:
            return await answer.text()

    async def test_who_comes_by_it_is_led_back_by_it(self, house: House, tls: Tls) -> None:
        async with house.running():
            secure = await self.script(house, tls.certificate.read_text())
            assert f"chain --replace --autofree https://localhost:{house.port('HTTPS')}/machines/" in secure
            assert "https://" not in await house.get("/ipxe.cfg")
            assert house.log.facts.warnings == ()

    async def test_a_renewed_certificate_is_taken_up_and_nobody_is_dropped(self, house: House, tls: Tls) -> None:
        old = tls.certificate.read_text()
        async with house.running():
            url = f"https://localhost:{house.port('HTTPS')}/healthz"
            connector = aiohttp.TCPConnector(ssl=trusting(old), limit=1)
            async with aiohttp.ClientSession(connector=connector) as before:
                assert await (await before.get(url)).text() == "ok\n"
                certify(house.files.directory, names="DNS:renewed.test,DNS:localhost")
                await house.reload()
                assert any("renewed: for renewed.test, localhost, until" in t for t in house.log.notices("info"))
                assert await (await before.get(url)).text() == "ok\n"  # on the same connection
            assert "#!ipxe" in await self.script(house, tls.certificate.read_text())
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await self.script(house, old)

    async def test_a_broken_one_is_told_and_the_old_one_stays(self, house: House, tls: Tls) -> None:
        old = tls.certificate.read_text()
        async with house.running():
            tls.certificate.write_text("half a file")
            await house.reload()
            (told,) = house.log.notices("error")
            assert told.startswith("the certificate in use stays: ")
            assert "http.tls.certificate: " in told
            assert "holds no certificate in PEM form" in told
            assert "#!ipxe" in await self.script(house, old)

    async def test_settings_that_are_wrong_do_not_keep_a_renewed_one_away(self, house: House, tls: Tls) -> None:
        async with house.running():
            certify(house.files.directory, names="DNS:renewed.test,DNS:localhost")
            house.reread = lambda: house.config("nonsense: true\n")
            await house.reload()
            assert "#!ipxe" in await self.script(house, tls.certificate.read_text())

    async def test_one_that_cannot_be_used_keeps_the_daemon_from_starting(self, house: House, tls: Tls) -> None:
        assert tls.key
        tls.key.unlink()
        with pytest.raises(ConfigError, match=r"http.tls.key: .*boot.key cannot be read: No such file"):
            await house.daemon(house.config()).run()


class TestTheAdminSide:
    async def test_a_machine_that_fetched_its_script_is_on_record_and_its_boot_can_be_watched(
        self, house: House
    ) -> None:
        async with house.running("unknown: register\n"):
            url = f"{house.log.facts.admin_url}api/v1"
            async with aiohttp.ClientSession() as session, session.get(f"{url}/events") as events:
                await house.get("/machines/52:54:00:00:00:07/ipxe.cfg?serial=SN-7")
                while not (line := await events.content.readline()).startswith(b"data: "):
                    pass
                assert json.loads(line[6:])["mac"] == "52:54:00:00:00:07"
                async with session.get(f"{url}/machines/52-54-00-00-00-07") as shown:
                    assert [(await shown.json())[key] for key in ("serial", "state")] == ["SN-7", "discovered"]

    async def test_a_machine_that_was_named_by_the_api_is_called_so_in_the_log(self, house: House) -> None:
        async with house.running():
            said = {"macs": ["52:54:00:00:00:07"], "name": "node-7"}
            async with aiohttp.request("POST", f"{house.log.facts.admin_url}api/v1/machines", json=said) as answer:
                assert answer.status == 201
            await house.get("/machines/52-54-00-00-00-07/ipxe.cfg?serial=%00")
            (refused,) = [event for event in house.log.events if isinstance(event, HostileValue)]
            assert refused.machine == "node-7"

    async def test_who_comes_from_elsewhere_needs_the_token_that_the_first_start_made(self, house: House) -> None:
        house.ports = PORTS.replace("127.0.0.1:0'}", "0.0.0.0:0', token_file: own.token}")
        async with house.running():
            url = house.log.facts.admin_url.replace("0.0.0.0", "127.0.0.1")
            said = {"X-Forwarded-For": "192.0.2.9"}
            path = house.files.directory / "own.token"
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            for headers, status in (
                (said, 401),
                ({**said, "Authorization": f"Bearer {path.read_text().strip()}"}, 200),
            ):
                async with aiohttp.request("GET", f"{url}api/v1/machines", headers=headers) as answer:
                    assert answer.status == status

    async def test_a_token_that_is_none_ends_the_start(self, house: House) -> None:
        house.ports = PORTS.replace("127.0.0.1:0'}", "0.0.0.0:0', token_file: own.token}")
        (house.files.directory / "own.token").write_text("x")
        with pytest.raises(CannotListen, match=r"admin.token_file: .*own.token"):
            await house.daemon(house.config()).run()

    async def test_it_may_be_at_a_path(self, house: House) -> None:
        path = house.files.directory / "admin.sock"
        house.ports = PORTS.replace("127.0.0.1:0", f"unix:{path}")
        async with house.running():
            assert house.log.facts.admin_url == f"unix:{path}"
            connector = aiohttp.UnixConnector(str(path))
            there = "http://localhost/api/v1/profiles"
            async with aiohttp.ClientSession(connector=connector) as session, session.get(there) as answer:
                assert answer.status == 200


async def test_the_lines_of_an_installer_come_with_its_machine(house: House) -> None:
    async with house.running("syslog: {mode: on, port: 0}\n"):
        await house.get("/machines/52:54:00:00:00:07/ipxe.cfg")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as installer:
            installer.sendto(b"<30>anna[812]: downloading", ("127.0.0.1", house.port("syslog")))
        while not (said := [event for event in house.log.events if isinstance(event, InstallerSaid)]):
            await asyncio.sleep(0.01)
        assert (said[0].mac, said[0].program, said[0].text) == ("52:54:00:00:00:07", "anna", "downloading")
