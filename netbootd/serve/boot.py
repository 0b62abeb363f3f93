"""What HTTP and TFTP serve: scripts out of the chain, boot programs out of memory, files out of the artifacts."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from netbootd.artifacts.tree import NotServed, Tree
from netbootd.boot import grub_names
from netbootd.boot.facts import Facts, parse_facts
from netbootd.boot.model import Machine
from netbootd.boot.plan import Document, LocalPlan
from netbootd.boot.site import Site
from netbootd.chain.scripts import Loader, Rendered, entry, script
from netbootd.chain.world import World
from netbootd.fleet.lifecycle import Stage
from netbootd.observe.events import Event, HostileValue, ScriptFailed, ScriptServed
from netbootd.serve import stock
from netbootd.serve.directory import Directory
from netbootd.serve.http.forwarded import Network
from netbootd.serve.http.services import ScriptReply, ScriptRequest, recorded
from netbootd.serve.http.target import unmapped
from netbootd.serve.node import Ended, Learn, Node, nobody, nowhere
from netbootd.serve.planned import installs, planned_files
from netbootd.serve.recipe import Recipe
from netbootd.serve.tftp_source import Content, OpenFile, Refused, Source
from netbootd.serve.tokens import Tokens, Unmade, label
from netbootd.wire.mac import Mac
from netbootd.wire.text import printable
from netbootd.wire.tftp import ErrorCode

Handed = Callable[[Mac, str, Rendered, str], Awaitable[bool] | None]
Number = Callable[[Facts, Machine | None], Awaitable[bool]]
Admit = Callable[[str, str, Mac | None], Awaitable[bool]]
_TOKEN_BYTES = 24
_ROOMS = frozenset({"artifacts", "boot", "machines", "node"})  # what they have under this name is not for whoever asks


async def _no_number(_facts: Facts, _machine: Machine | None) -> bool:
    return False


class BootSide:
    """One object for both servers; `swap` replaces what is behind it at reload without touching running transfers.

    ``handed`` is told of each script a machine is about to get, ``admit`` of each file, see `serve.progress.Progress`.
    ``number`` assigns the soft serial that a machine waits for, and turns out True when that is on disk.
    ``tokens`` open what was made for single machines, for the rest of them see `serve.node.Node`.
    """

    def __init__(
        self,
        *,
        emit: Callable[[Event], None],
        directory: Directory,
        site: Callable[[str], Site],
        world: World,
        firmware: Mapping[str, bytes],
        tree: Tree,
        stall_seconds: float = 60.0,
        trusted_proxies: tuple[Network, ...] = (),
        handed: Handed = lambda _mac, _ip, _rendered, _base_url: None,
        admit: Admit | None = None,
        tokens: Tokens | None = None,
        number: Number = _no_number,
        ended: Ended = nobody,
        lookup: Learn = nowhere,
        token_networks: tuple[Network, ...] = (),
    ) -> None:
        self.emit = emit
        self.stall_seconds = stall_seconds
        self.trusted_proxies = trusted_proxies
        self.world = world
        self._directory = directory
        self._site = site
        self._handed = handed
        self._admit = admit
        self.number = number
        self._tokens = Tokens() if tokens is None else tokens
        self.node = Node(self._tokens, make=self._made_again, ended=ended, lookup=lookup, networks=token_networks)
        self._firmware = firmware
        self._tree = tree

    def swap(self, world: World, firmware: Mapping[str, bytes], tree: Tree) -> None:
        """Serve these from now on."""
        self.world, self._firmware, self._tree = world, firmware, tree

    def artifacts(self) -> Tree:
        """The tree served now."""
        return self._tree

    def stock(self, ip: str, name: str) -> str | None:
        """See `BootServices`."""
        mac = self._directory.mac_of(ip)
        known = self._directory.known(mac) if mac else Facts()
        return stock.release_file(name, known, ip, self.world)

    def by_secret(self, secret: str) -> Machine | None:
        """See `BootServices`."""
        return self.world.fleet.by_secret(secret)

    def grub(self, ip: str, path: str) -> Mac | None:
        """See `BootServices`."""
        match grub_names.wanted(path):
            case grub_names.ByCard(mac):
                return mac
            case grub_names.ByAddress() if path.partition("/")[0] not in _ROOMS:
                return self._directory.surely_at(unmapped(ip))
        return None

    async def admit(self, ip: str, file: str, mac: Mac | None = None) -> bool:
        """See `BootServices`."""
        return self._admit is None or await self._admit(ip, file, mac)

    def firmware(self, name: str) -> bytes | None:
        """A boot program by name; firmware gets case wrong at times."""
        found = self._firmware.get(name)
        if found is None:
            found = next((data for known, data in self._firmware.items() if known.lower() == name.lower()), None)
        return found

    # HTTP

    def script(self, request: ScriptRequest) -> ScriptReply:
        """The entry script, or a machine's own."""
        site = self._place(request.local[0], request.base_url)
        if request.machine is not None:
            return self._by_own_url(request.machine, request, site)
        if request.mac is None:
            return self._entry(site, request.client_ip)
        return self._machine(request.mac, request, site)

    def _place(self, local: str, base_url: str | None) -> Site:
        site = self._site(local)
        return replace(site, public_url=base_url) if base_url and not site.public_url else site

    def _by_own_url(self, machine: Machine, request: ScriptRequest, site: Site) -> ScriptReply:
        """First the script that gathers what iPXE knows, then the machine's own: the first sends a ``mac``."""
        card = machine.macs[0]
        if any(name == "mac" for name, _ in request.query):
            return self._machine(card, request, site)
        rendered = entry(self.world, site, machine)
        if not request.head:
            name = _script_name(card, request)
            self.emit(
                ScriptServed(
                    mac=str(card), machine=machine.name, ip=request.client_ip, script=name, payload=rendered.payload
                )
            )
        return ScriptReply(rendered.text.encode())

    def _entry(self, site: Site, ip: str, via: str = "http") -> ScriptReply:
        rendered = entry(self.world, site)
        self.emit(ScriptServed(ip=ip, script="ipxe.cfg", payload=rendered.payload, via=via))
        return ScriptReply(rendered.text.encode())

    def _machine(self, mac: Mac, request: ScriptRequest, site: Site) -> ScriptReply:
        """``mac`` is the card that the machine is remembered by, and unless its secret said who it is, the one that
        asks."""
        facts = self._facts(mac, request)
        choice = next((value for name, value in request.query if name == "profile"), None)
        leave = ("leave", "yes") in request.query
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        known = request.machine
        rendered = script(facts, self.world, site, choice, request.loader, leave=leave, token=token, machine=known)
        if request.head:
            return ScriptReply(rendered.text.encode())
        if isinstance(rendered.plan, LocalPlan):
            self._directory.leaves(mac)
        if rendered.unnumbered:
            return self._unnumbered(rendered, facts, mac, request, site)
        recorded = self._handed(mac, request.client_ip, rendered, site.base_url)
        self._tell(rendered, mac, request, site)  # after: a script older than its own arming (auto) begins nothing
        if rendered.documents or token in rendered.text:
            recipe = Recipe(facts, request.local[0], request.base_url, request.loader, choice, known is not None)
            self._tokens.grant(token, mac, rendered.documents, installs=recorded is not None, recipe=recipe)
        return ScriptReply(rendered.text.encode(), recorded=recorded)

    def _unnumbered(
        self, rendered: Rendered, facts: Facts, mac: Mac, request: ScriptRequest, site: Site
    ) -> ScriptReply:
        """Its soft serial is assigned first, and then its script is made anew; where that fails it is told so."""

        async def refused() -> bool:
            if await self.number(replace(facts, mac=mac), request.machine):
                return False
            self._tell(rendered, mac, request, site)
            return True

        return ScriptReply(rendered.text.encode(), recorded=refused())

    def _made_again(self, token: str, unmade: Unmade) -> tuple[Document, ...]:
        """What a token opened before a restart, or opens at another daemon: it was handed out to an armed machine."""
        recipe = unmade.recipe
        machine = self.world.fleet.machine(unmade.mac) if recipe.by_secret else None
        if recipe.by_secret and machine is None:
            return ()
        site, world = self._place(recipe.local, recipe.base_url), replace(self.world, stage=lambda _mac: Stage.ARMED)
        facts, choice, loader = recipe.facts, recipe.choice, recipe.loader
        return script(facts, world, site, choice, loader, token=token, machine=machine).documents

    def _facts(self, mac: Mac, request: ScriptRequest) -> Facts:
        said, refused = parse_facts(request.query)
        for refusal in refused:
            self.emit(
                HostileValue(mac=str(mac), ip=request.client_ip, field=refusal.field, reason=printable(refusal.reason))
            )
        self._directory.met(request.client_ip, mac)
        if request.machine or not self._only_by_secret(mac):  # nobody else tells what such a machine is
            self._directory.told(replace(said, mac=mac))
        facts = replace(said, mac=mac).over(self._directory.known(mac))
        return replace(facts, mac=said.mac) if request.machine and said.mac else facts

    def _only_by_secret(self, mac: Mac) -> bool:
        machine = self.world.fleet.machine(mac)
        return machine is not None and machine.only_by_secret

    def _tell(self, rendered: Rendered, mac: Mac, request: ScriptRequest, site: Site) -> None:
        name, ip = _script_name(mac, request), request.client_ip
        machine = rendered.assignment.name if rendered.assignment else ""
        if rendered.failure:
            reason = printable(rendered.failure, 300)
            self.emit(ScriptFailed(mac=str(mac), machine=machine, ip=ip, script=name, reason=reason))
            return
        self.emit(
            ScriptServed(
                mac=str(mac),
                machine=machine,
                ip=ip,
                script=name,
                profile=rendered.profile,
                payload=rendered.payload,
                via=request.via,
                files=planned_files(rendered.plan, site.base_url),
                installs=installs(rendered),
            )
        )

    # TFTP

    def resolve(self, name: str, client_ip: str, local: str) -> Source | Awaitable[Source]:
        """A TFTP name: a script, a boot program, else a file of the artifacts or of the client's own release, opened
        off the loop."""
        name = "/".join(stock.without_alias(tuple(name.split("/")))) or name
        base = name.rsplit("/", 1)[-1].lower()
        if stock.is_script(base):
            return Content(base, self._entry(self._site(local), client_ip, via="tftp").body)
        if (mac := self.grub(client_ip, name)) is not None:
            asked = ScriptRequest(mac, (), client_ip, (local, 0), Loader.GRUB, via="tftp")
            return asyncio.ensure_future(self._of_grub(name, asked))
        data = self.firmware(name) or self.firmware(base)
        if data is not None:
            return Content(name, data)
        paths = (name, name.removeprefix("artifacts/"), self.stock(client_ip, name) or name)
        return asyncio.get_running_loop().run_in_executor(None, _open, self._tree, paths)

    async def _of_grub(self, name: str, asked: ScriptRequest) -> Content:
        reply = await recorded(self.script, asked)
        if reply is None:
            raise Refused(ErrorCode.NOT_DEFINED, "that this machine installs could not be recorded")
        return Content(name, reply.body)


def _script_name(mac: Mac, request: ScriptRequest) -> str:
    """As events have it: a secret stands in none."""
    if request.machine and request.machine.secret:
        return f"boot/{label(request.machine.secret)}/ipxe.cfg"
    return f"machines/{mac.hexhyp}/{request.loader.value}.cfg"


def _open(tree: Tree, paths: tuple[str, ...]) -> Source:
    for path in dict.fromkeys(paths):
        try:
            opened = tree.open(path, lenient=True)
        except NotServed:
            continue
        return OpenFile(opened.name, opened.fd, opened.size, opened.offset)
    raise Refused(ErrorCode.FILE_NOT_FOUND, "File not found")
