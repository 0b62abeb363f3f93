"""What EVE's own names say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.artifacts.eve_release import Release, exact, in_name, in_script


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("17.3.0-kvm-amd64\n", Release("17.3.0", "kvm", "generic", "amd64")),
        ("14.5.0-lts-kvm-arm64", Release("14.5.0-lts", "kvm", "generic", "arm64")),
        ("17.3.0-rt-kvm-amd64", Release("17.3.0", "kvm", "rt", "amd64")),
        ("16.12.0-nvidia-jp6-k-arm64", Release("16.12.0", "k", "nvidia-jp6", "arm64")),
        ("15.9.0-imx8mp_pollux-kvm-arm64", Release("15.9.0", "kvm", "imx8mp_pollux", "arm64")),
        ("0.0.0-master-0c6de671-kvm-arm64", Release("0.0.0-master-0c6de671", "kvm", "generic", "arm64")),
        ("17.3.0", Release("17.3.0")),
        ("something else", Release()),
        ("", Release()),
    ],
)
def test_eve_release_is_version_platform_hypervisor_and_architecture(text: str, release: Release) -> None:
    assert exact(text) == release


@pytest.mark.parametrize(
    ("name", "release"),
    [
        ("eve-17.3.0", Release("17.3.0")),
        ("eve-13.4.3-lts-arm64.tar", Release("13.4.3-lts", arch="arm64")),
        ("17.3.0-rt-kvm-amd64.tar", Release("17.3.0", "kvm", "rt", "amd64")),
        ("amd64.kvm.generic.installer-net.tar", Release("", "kvm", "generic", "amd64")),
        ("arm64.k.generic.installer.iso", Release("", "k", "generic", "arm64")),
        ("eve_x86_64_16.0.0-rc1", Release("16.0.0-rc1", arch="amd64")),
        ("installer.net", Release()),
        ("lab-10.0.0.5", Release()),
        ("", Release()),
    ],
)
def test_a_name_may_say_some_of_it(name: str, release: Release) -> None:
    assert in_name(name) == release


def test_the_script_of_a_release_names_the_address_it_came_from() -> None:
    url = "https://github.com/lf-edge/eve/releases/download/13.3.0/amd64."
    assert in_script(f"#!ipxe\nset url {url}\nkernel ${{url}}kernel\n") == "13.3.0"
    assert in_script("# set url https://foo.bar/\n") == ""


def test_what_one_source_leaves_open_another_fills() -> None:
    assert Release("1.2.3").over(Release("9.9.9", "kvm")) == Release("1.2.3", "kvm")


@given(st.text(max_size=400))
def test_no_text_is_too_odd(text: str) -> None:
    assert isinstance(exact(text), Release)
    assert isinstance(in_name(text), Release)
    assert isinstance(in_script(text), str)
