"""Rules that drop frames at an interface of a namespace: a firewall that needs no more than `tc` and classic BPF."""

from __future__ import annotations

import socket
import struct

from tests.lab.namespace import Namespace

UDP, TCP = 17, 6
_LD, _LDH, _LDB, _JEQ, _JGE, _RET = 0x20, 0x28, 0x30, 0x15, 0x35, 0x06  # <linux/bpf_common.h>
_SHOT, _UNSPEC = 2, 0xFFFFFFFF  # <linux/pkt_cls.h>


class Firewall:
    """At ``interface`` of a namespace."""

    def __init__(self, place: Namespace, interface: str = "eth0") -> None:
        self._place = place
        self._interface = interface
        self._run("qdisc", "add", "dev", interface, "clsact")

    def drop_in(self, source: str, protocol: int, port: int) -> None:
        """What comes from there for this port."""
        self._drop("ingress", protocol, (_LD, 26, _JEQ, _number(source)), (_LDH, 36, _JEQ, port))

    def drop_out(self, destination: str, protocol: int, lowest_source: int) -> None:
        """What goes there from this port or a higher one."""
        self._drop("egress", protocol, (_LD, 30, _JEQ, _number(destination)), (_LDH, 34, _JGE, lowest_source))

    def _drop(self, way: str, protocol: int, *tests: tuple[int, int, int, int]) -> None:
        """Frames are Ethernet's, their IP headers without options."""
        checks = ((_LDH, 12, _JEQ, 0x0800), (_LDB, 23, _JEQ, protocol), *tests)
        program = []
        for number, (load, offset, jump, value) in enumerate(checks):
            left = 2 * (len(checks) - number) - 1
            program += [(load, 0, 0, offset), (jump, 0, left, value)]
        program += [(_RET, 0, 0, _SHOT), (_RET, 0, 0, _UNSPEC)]
        text = ",".join([str(len(program)), *(" ".join(map(str, each)) for each in program)])
        self._run("filter", "add", "dev", self._interface, way, "bpf", "da", "bytecode", text)

    def _run(self, *arguments: str) -> None:
        self._place.run("tc", *arguments)


def _number(address: str) -> int:
    (number,) = struct.unpack("!I", socket.inet_aton(address))
    return int(number)
