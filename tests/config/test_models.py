"""Which keys each table of the settings has, and that it takes no other."""

from __future__ import annotations

import pytest

from netbootd.boot.network import NetworkKeys
from tests.support.settings import Files


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tftp: 69", "tftp: must be a table of keys and values, not '69'"),
        ("- mac: 1", "must hold keys and values, not a list"),
        ("hello", "must hold keys and values, not 'hello'"),
    ],
)
def test_the_wrong_shape_is_told(files: Files, text: str, told: str) -> None:
    assert files.wrong(text) == [f"netbootd.yaml:1: {told}"]


@pytest.mark.parametrize("table", ["dhcp", "tftp", "http", "admin", "tokens", "log", "syslog", "traces"])
def test_a_table_takes_the_keys_it_names_and_no_other(files: Files, table: str) -> None:
    (told,) = files.wrong(f"{table}: {{hostname: x}}")
    assert told.startswith(f"netbootd.yaml:1: {table}.hostname: unknown key")


def test_text_alone_is_the_address_of_a_network(files: Files) -> None:
    """And the same network as the table with that address."""
    machine = "{{profiles: {{p: {{payload: linux, kernel: k}}}}, machines: [{{mac: 52:54:00:00:00:01, network: {}}}]}}"
    alone, table = (files.load(machine.format(each)) for each in ("192.0.2.10/24", "{address: 192.0.2.10/24}"))
    assert alone.snapshot.machines[0].network == NetworkKeys("192.0.2.10/24", origin="machine 52:54:00:00:00:01")
    assert table.snapshot.machines == alone.snapshot.machines
