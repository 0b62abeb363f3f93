"""A Linux kernel with its initrds."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

import pytest

from netbootd.boot.args import Arg, ArgSetting, Layer
from netbootd.boot.facts import Facts
from netbootd.boot.network import Network
from netbootd.boot.plan import Image, KernelPlan
from netbootd.payloads import Order
from netbootd.payloads.linux import PAYLOAD, Settings
from tests.support.worlds import SITE

ORDER = Order(Facts(), SITE, (Arg("quiet", None, "x", Layer.PROFILE),))
ARTIFACTS = "http://192.0.2.1:8080/artifacts"


def test_paths_become_absolute_urls_and_initrds_names_of_their_own() -> None:
    """Two files may share a base name."""
    assert PAYLOAD.plan(Settings("rescue/vmlinuz", ("a/initrd.img", "b/initrd.img")), ORDER) == KernelPlan(
        Image(f"{ARTIFACTS}/rescue/vmlinuz", "kernel"),
        (Image(f"{ARTIFACTS}/a/initrd.img", "initrd0"), Image(f"{ARTIFACTS}/b/initrd.img", "initrd1")),
        ORDER.args,
    )


def test_a_url_stays_what_it_is_and_needs_no_file() -> None:
    settings = Settings("https://mirror.example/linux", ("local.img", "http://mirror.example/initrd.gz"))
    plan = PAYLOAD.plan(settings, ORDER)

    assert isinstance(plan, KernelPlan)
    assert plan.kernel.url == "https://mirror.example/linux"
    assert PAYLOAD.needs(settings) == ("local.img",)


@pytest.mark.parametrize("bad", ["http://x/a b", "http://x/${net0/mac}"])
def test_a_url_that_falls_apart_is_refused_when_it_is_read(bad: str) -> None:
    with pytest.raises(ValueError, match="not a URL"):
        Settings(bad)
    with pytest.raises(ValueError, match="not a URL"):
        Settings("kernel", (bad,))


def test_it_brings_no_arguments_of_its_own() -> None:
    assert PAYLOAD.defaults(Settings("kernel"), Facts(), None) == ()
    assert PAYLOAD.judge(Settings("kernel"), ORDER.args, None, ()) == ()


def test_a_static_address_is_an_argument() -> None:
    given = Network(IPv4Interface("192.0.2.10/24"), IPv4Address("192.0.2.1"), (), "eth0", "machine n1")
    assert PAYLOAD.network_args is not None
    assert PAYLOAD.network_args(given, "n1") == (
        ArgSetting("ip", ("192.0.2.10::192.0.2.1:255.255.255.0:n1:eth0:none",), "network of machine n1", Layer.PLACE),
    )
