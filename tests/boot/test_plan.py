"""What is to be booted, as values a template writes down."""

from __future__ import annotations

import pytest

from netbootd.boot.args import Arg, Layer
from netbootd.boot.plan import (
    DONE,
    FAILED,
    ByIpxe,
    Document,
    Image,
    KernelPlan,
    LocalMethod,
    LocalPlan,
    TemplatePlan,
    Variant,
)
from netbootd.wire.segments import Segments

KERNEL = Image("http://x/kernel", "kernel")
A, B = Arg("a", "1", "", Layer.PROFILE), Arg("quiet", None, "", Layer.PROFILE)
LONG = Arg("console", "ttyAMA0,115200n8", "", Layer.PROFILE)


def test_lines_are_the_arguments_in_order() -> None:
    plan = KernelPlan(KERNEL, (), (A, B), fallback=(B,), variants=(Variant("Huawei", (LONG,)),))

    assert (plan.line, plan.fallback_line, plan.variants[0].line) == ("a=1 quiet", "quiet", "console=ttyAMA0,115200n8")
    assert TemplatePlan("x", (A, B)).line == "a=1 quiet"
    assert LocalPlan(LocalMethod.EXIT, "", withheld=(A,)).withheld_line == "a=1"


def test_the_length_is_that_of_the_longest_line_the_kernel_may_see() -> None:
    initrds = (Image("http://x/1", "initrd0"), Image("http://x/2", "initrd1"))

    assert KernelPlan(KERNEL, (), (A,)).length == len("a=1")
    assert KernelPlan(KERNEL, initrds, (A, B)).length == len("a=1 quiet initrd=initrd0 initrd=initrd1")
    boarded = KernelPlan(KERNEL, initrds[:1], (A,), fallback=(B,), variants=(Variant("Huawei", (LONG,)),))
    assert boarded.length == len("a=1 console=ttyAMA0,115200n8 initrd=initrd0")


def test_an_argument_that_only_ipxe_knows_is_a_key_or_comes_whole() -> None:
    assert ByIpxe("hostname", "IPXE_BOOT_HOSTNAME").prefix == "hostname="
    assert ByIpxe("ip", "IPXE_BOOT_LINUX_IP_CONFIG", whole=True).prefix == ""


def test_what_is_in_a_document_is_not_shown() -> None:
    """It holds keys."""
    assert "secret" not in repr(KernelPlan(KERNEL, (), (), documents=(Document("x", Segments.of(b"secret")),)))


@pytest.mark.parametrize("name", [DONE, FAILED])
def test_no_document_has_the_name_that_an_installer_calls(name: str) -> None:
    with pytest.raises(AssertionError, match="an installer calls there"):
        Document(name, Segments())
