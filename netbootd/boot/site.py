"""Where machines come back to: the addresses and ports an answer names."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Site:
    """How one client reaches this server.

    ``address`` is the one of the interface the client asked on unless settings say otherwise; every URL handed out is
    absolute, because ``${next-server}`` is the router's word wherever the router sets one (netboot.xyz#736, ipxe#954).
    """

    address: str
    http_port: int = 8080
    tftp_port: int | None = 69
    """None: there is no TFTP."""
    public_url: str | None = None
    syslog_port: int | None = None
    """Where an installer's lines are taken; None: nowhere."""
    artifacts: str = "artifacts"
    """The room that artifacts are fetched from, as its path."""

    @property
    def base_url(self) -> str:
        """``http://192.0.2.1:8080``, without a trailing slash."""
        return self.public_url.rstrip("/") if self.public_url else self._by_address

    @property
    def _by_address(self) -> str:
        return f"http://{self.address}" + ("" if self.http_port == 80 else f":{self.http_port}")

    @property
    def tftp_url(self) -> str:
        """``tftp://192.0.2.1``, "" where there is no TFTP."""
        if self.tftp_port is None:
            return ""
        return f"tftp://{self.address}" + ("" if self.tftp_port == 69 else f":{self.tftp_port}")

    @property
    def syslog(self) -> str:
        """``192.0.2.1:514``, as installers are told it; "" where no lines are taken."""
        return "" if self.syslog_port is None else f"{self.address}:{self.syslog_port}"

    @property
    def ipxe_syslog(self) -> str:
        """The address for iPXE's own, which goes to port 514 alone; "" where none are taken there."""
        return self.address if self.syslog_port == 514 else ""

    def entry_url(self) -> str:
        """The script for any iPXE."""
        return f"{self.base_url}/ipxe.cfg"

    def secret_url(self, secret: str) -> str:
        """The URL that makes whoever has it the machine of this secret."""
        return f"{self.base_url}/boot/{secret}/ipxe.cfg"

    def firmware_url(self, name: str) -> str:
        """A boot program by HTTP, for UEFI HTTP Boot.

        By address and not by ``public_url``: firmware that got its lease from a server without a DNS option cannot
        resolve a name (EDK2 HttpBootDxe takes "a proxy URI with an IP literal" with any lease).
        """
        return f"{self._by_address}/firmware/{quote(name)}"

    def artifact_url(self, path: str) -> str:
        """A file under ``artifacts``; a path that already is a URL stays what it is."""
        if path.startswith(("http://", "https://")):
            return path
        return f"{self.base_url}/{self.artifacts}/{quote(path.lstrip('/'))}"


def asked(url: str, pair: str) -> str:
    """The URL asked for with one more pair, such as ``leave=yes``."""
    return f"{url}{'&' if '?' in url else '?'}{pair}"
