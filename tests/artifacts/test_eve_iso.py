"""Which era an installer.iso is of, by its own boot menu, and what a boot needs to know of it."""

from __future__ import annotations

import pytest

from netbootd.artifacts.eve_iso import Iso, era_of, read_iso
from netbootd.artifacts.eve_release import Release
from netbootd.artifacts.faults import ImportFault
from netbootd.payloads.eve.bundle import Era
from tests.support.eve_bundles import CMDLINE, MIB, include, iso, iso_files

ISO_ERAS = [era for era in Era if era.has_iso]
every_iso = pytest.mark.parametrize("era", ISO_ERAS, ids=[era.value for era in ISO_ERAS])


def read(image: bytes) -> Iso:
    return read_iso(lambda offset, length: image[offset : offset + length], len(image))


@every_iso
def test_the_era_is_told_by_what_the_menu_gives_a_kernel_that_came_by_network(era: Era) -> None:
    assert era_of(include(era), squashfs=era is not Era.B1) is era
    assert read(iso(era)).era is era


@every_iso
def test_every_file_is_found_where_it_lies(era: Era) -> None:
    image = iso(era)
    found = {file.path: image[file.offset : file.offset + file.size] for file in read(image).files}
    assert found == iso_files(era)


@every_iso
def test_arguments_and_menus_are_kept_as_data(era: Era) -> None:
    found = read(iso(era))
    assert (found.cmdline, found.grub_include) == (CMDLINE, include(era))
    assert found.grub.startswith("# stands for the menu")


@pytest.mark.parametrize(
    ("era", "config", "size"),
    [(Era.B1, 0, 0), (Era.B2, MIB, MIB), (Era.B2, 5 * MIB, 5 * MIB), (Era.B2, 0, 0), (Era.B3, MIB, MIB)],
)
def test_a_config_img_at_the_top_has_the_size_of_the_release(era: Era, config: int, size: int) -> None:
    assert read(iso(era, config=config)).config_size == size


def test_the_broken_one_differs_from_the_first_by_its_squashfs() -> None:
    assert era_of(include(Era.B1), squashfs=True) is Era.B1X


def test_only_the_branch_for_the_network_counts() -> None:
    """Elsewhere the same words mean a boot from a stick."""
    text = include(Era.B1).replace('"LABEL=$label"', '"/installer.iso rootimg=/rootfs_installer.img"')
    assert era_of(text, squashfs=True) is Era.B1X
    assert era_of("# newc:/rootfs_installer.img:($root)/rootfs_installer.img\n", squashfs=True) is None
    assert era_of('set_global rootfs_root "/installer.iso"\n', squashfs=True) is None


def test_a_menu_of_another_form_is_read_all_the_same() -> None:
    text = '\tif [ "$isnetboot" = "true" ]; then\n\t\tset_global   rootfs_root  "/installer.iso"\n\tfi\n'
    assert era_of(text, squashfs=False) is Era.B1


def test_what_the_root_says_of_itself_is_believed_where_it_can_be_read() -> None:
    assert read(iso(Era.B1)).release == Release("14.3.0", "kvm", "generic", "amd64")
    more = (("etc/eve-hv-type", b"k\n"), ("etc/eve-platform", b"rt\n"))
    assert read(iso(Era.B2, more=more)).release == Release("", "k", "rt", "amd64")
    assert read(iso(Era.B2, more=(("etc/eve-hv-type", b"\x1b[2J"),))).release == Release(arch="amd64")


@pytest.mark.parametrize("missing", ["boot/kernel", "boot/initrd.img", "boot/cmdline", "EFI/BOOT/grub_include.cfg"])
def test_an_iso_that_lacks_what_a_boot_needs_is_refused_by_name(missing: str) -> None:
    with pytest.raises(ImportFault, match=f"no {missing} in it"):
        read(iso(Era.B2, less=(missing,)))


def test_a_menu_that_names_a_squashfs_which_is_not_there_is_refused() -> None:
    with pytest.raises(ImportFault, match=r"lacks the rootfs_installer\.img"):
        read(iso(Era.B2, less=("rootfs_installer.img",)))


def test_a_menu_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ImportFault, match="no branch for network boot"):
        read(iso(Era.B2, more=(("EFI/BOOT/grub_include.cfg", b"set timeout=5\n"),)))


@pytest.mark.parametrize("image", [b"", bytes(70_000)])
def test_what_is_no_iso_is_refused(image: bytes) -> None:
    with pytest.raises(ImportFault, match=r"installer\.iso: "):
        read(image)


@pytest.mark.parametrize("kept", [40_000, 60_000, 200_000])
def test_an_iso_that_was_cut_off_is_refused(kept: int) -> None:
    with pytest.raises(ImportFault, match=r"installer\.iso: .*cut off.*download it again"):
        read(iso(Era.B2)[:kept])
