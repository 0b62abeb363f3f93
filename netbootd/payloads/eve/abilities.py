"""What a bundle can do, and what is wrong with it, in sentences: for ``check``, ``import`` and ``bundles``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from netbootd.payloads.eve.bundle import CONFIG, Bundle, Era

FIRST_NEEDING_EFI = (16, 13, 0)
"""Its installer ends where efivarfs cannot be mounted."""


@dataclass(frozen=True, slots=True)
class Ability:
    """``can`` is None where it cannot be told; ``why`` says what stands against it, or how it is done."""

    name: str
    can: bool | None
    why: str = ""


def abilities(bundle: Bundle) -> tuple[Ability, ...]:
    """Per-node arguments, per-node configuration, BIOS, UEFI, and clouds, where all comes by HTTP."""
    return (
        Ability("arguments", True),
        _config(bundle),
        _bios(bundle),
        Ability("UEFI", True),
        Ability("cloud", True),
    )


def broken(bundle: Bundle) -> str:
    """Why this bundle cannot install as its own menu boots it, and the way round; "" where it can."""
    if bundle.era is not Era.B1X:
        return ""
    return (
        "broken as released, like 13.4.2-lts, 14.4.0, 14.5.0, 15.0.0 and 15.1.0: it tells its kernel to take the ISO "
        "for the root, but the root is a squashfs inside it; netbootd boots it with an init of its own, and where its "
        "own menu has to do it take 13.4.3-lts, 14.5.0-lts or 15.2.0, or a newer one"
    )


def notes(bundle: Bundle) -> tuple[str, ...]:
    """All that is worth saying of it, the worst first."""
    return tuple(_notes(bundle))


def _notes(bundle: Bundle) -> Iterator[str]:
    if why := broken(bundle):
        yield why
    if bundle.arch == "riscv64":
        yield "EVE builds no iPXE for riscv64; its network boot there is not known to work"
    if not bundle.version:
        yield "its version is not known: a name such as eve-17.3.0 would say it"
    if "ipxe.efi" not in bundle.files and bundle.arch != "riscv64":
        yield "there is no ipxe.efi in it; netbootd's own iPXE is used"
    config = _config(bundle)
    if not config.can:
        yield f"no configuration of a node's own: {config.why}"


def _config(bundle: Bundle) -> Ability:
    match bundle.era:
        case Era.A:
            return Ability("config", True, "in a cpio archive before rootfs.img")
        case Era.B1 if bundle.in_iso(CONFIG) is None:
            why = "its ISO, which is its installer's root, has no config.img; eve_install_server reaches it"
            return Ability("config", False, why)
    return Ability("config", True, "in place of the config.img of its installer")


def _bios(bundle: Bundle) -> Ability:
    if bundle.arch not in ("amd64", ""):
        return Ability("BIOS", False, f"{bundle.arch} has none")
    if bundle.era is Era.A:
        return Ability("BIOS", True)
    limit = ".".join(map(str, FIRST_NEEDING_EFI))
    if bundle.release is None:
        return Ability("BIOS", None, f"not from {limit} on, and its version is not known")
    if bundle.release >= FIRST_NEEDING_EFI:
        return Ability("BIOS", False, f"from {limit} on the installer ends where there are no EFI variables")
    return Ability("BIOS", True)
