"""The kernel's neighbour table, as /proc/net/arp prints it."""

from __future__ import annotations

from pathlib import Path

import pytest

from netbootd.net.neighbours import neighbour

TABLE = """\
IP address       HW type     Flags       HW address            Mask     Device
192.0.2.7        0x1         0x2         52:54:00:12:34:56     *        lan1
192.0.2.8        0x1         0x0         00:00:00:00:00:00     *        lan1
192.0.2.9        0x20        0x2         80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:00:12:34     *        ib0
192.0.2.70       0x1         0x2         52:54:00:12:34:70     *        lan1
broken
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "arp"
    path.write_text(TABLE)
    return path


def test_who_answered_is_known(table: Path) -> None:
    assert neighbour("192.0.2.7", table) == "52:54:00:12:34:56"


@pytest.mark.parametrize("ip", ["192.0.2.8", "192.0.2.1", "broken", ""])
def test_who_did_not_is_unknown(table: Path, ip: str) -> None:
    """The kernel keeps a row of zeros for one it still asks for."""
    assert neighbour(ip, table) is None


def test_without_a_table_nobody_is_known(tmp_path: Path) -> None:
    assert neighbour("192.0.2.7", tmp_path / "none") is None


def test_the_kernel_s_own_table_can_be_read() -> None:
    assert neighbour("127.0.0.1") is None
