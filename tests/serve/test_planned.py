"""The files of a plan, as the events of their downloads will name them."""

from __future__ import annotations

from netbootd.boot.plan import GrubPlan, Image, KernelPlan
from netbootd.serve.planned import last_file, normal, planned_files
from netbootd.serve.tokens import label

HERE = "http://192.0.2.1:8080"
TOKEN = "t" * 32


def images(*urls: str) -> tuple[Image, ...]:
    return tuple(Image(url, "x") for url in urls)


def test_a_kernel_and_its_initrds_in_the_order_they_are_fetched_in() -> None:
    kernel, *initrds = images(f"{HERE}/artifacts/k", f"{HERE}/artifacts/b%2B/i.img", f"{HERE}/node/{TOKEN}/config")
    plan = KernelPlan(kernel, tuple(initrds), ())
    assert planned_files(plan, HERE) == ("artifacts/k", "artifacts/b+/i.img", f"node/{label(TOKEN)}/config")
    assert last_file(plan, HERE) == f"node/{label(TOKEN)}/config"


def test_files_of_other_servers_are_not_seen_here() -> None:
    kernel, initrd = images("http://192.0.2.9:8080/artifacts/k", f"{HERE}/artifacts/i")
    assert planned_files(KernelPlan(kernel, (initrd,), ()), HERE) == ("artifacts/i",)


def test_of_grub_what_is_known_beforehand() -> None:
    server = "http://192.0.2.1"
    include, last = f"{server}/node/{TOKEN}/include", f"{server}/node/{TOKEN}/installer.iso"
    plan = GrubPlan("192.0.2.1", server, f"{HERE}/artifacts/BOOTX64.EFI", "", include, last, ())
    of_its_own = tuple(f"node/{label(TOKEN)}/{name}" for name in ("include", "installer.iso"))
    assert planned_files(plan, HERE) == ("artifacts/BOOTX64.EFI", *of_its_own)
    assert last_file(plan, HERE) == of_its_own[-1]


def test_other_plans_have_none() -> None:
    assert planned_files(None, HERE) == ()
    assert last_file(None, HERE) == ""


def test_a_path_is_named_alike_however_it_was_spelled() -> None:
    assert normal("artifacts//a/./b\n") == normal("artifacts/a/b\n")
