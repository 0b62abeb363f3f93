"""IANA's processor architecture types, and which iPXE each can run."""

from __future__ import annotations

import pytest

from netbootd.boot.arch import Cpu, Platform, architecture, first_known

EFI, BIOS = Platform.EFI, Platform.BIOS

REGISTRY = {
    0: (Cpu.I386, BIOS, False),
    6: (Cpu.I386, EFI, False),
    7: (Cpu.X86_64, EFI, False),
    9: (Cpu.X86_64, EFI, False),
    10: (Cpu.ARM32, EFI, False),
    11: (Cpu.ARM64, EFI, False),
    15: (Cpu.I386, EFI, True),
    16: (Cpu.X86_64, EFI, True),
    17: (Cpu.X86_64, EFI, True),
    18: (Cpu.ARM32, EFI, True),
    19: (Cpu.ARM64, EFI, True),
    20: (Cpu.I386, BIOS, True),
    21: (Cpu.ARM32, EFI, False),
    22: (Cpu.ARM64, EFI, False),
    23: (Cpu.ARM32, EFI, True),
    24: (Cpu.ARM64, EFI, True),
    25: (Cpu.RISCV32, EFI, False),
    26: (Cpu.RISCV32, EFI, True),
    27: (Cpu.RISCV64, EFI, False),
    28: (Cpu.RISCV64, EFI, True),
    39: (Cpu.LOONG64, EFI, False),
    40: (Cpu.LOONG64, EFI, True),
}
NOTHING = sorted(set(range(42)) - set(REGISTRY))


@pytest.mark.parametrize("code", range(42))
def test_every_code_of_the_registry_has_its_row(code: int) -> None:
    row = architecture(code)

    assert row is not None
    assert row.code == code
    assert (row.cpu, row.platform, row.http) == REGISTRY.get(code, (None, None, False))


@pytest.mark.parametrize("code", NOTHING)
def test_a_row_that_nothing_can_be_given_says_why(code: int) -> None:
    row = architecture(code)

    assert row is not None
    assert row.why


@pytest.mark.parametrize("code", [42, 0x27 * 256, 0xFFFF])
def test_a_code_iana_has_not_given_out_is_unknown(code: int) -> None:
    assert architecture(code) is None


def test_7_and_9_are_alike() -> None:
    """RFC 4578 as printed and IANA swap the two; old firmware sends either for x86-64."""
    seven, nine = architecture(7), architecture(9)

    assert seven is not None
    assert nine is not None
    assert (seven.cpu, seven.platform, seven.http) == (nine.cpu, nine.platform, nine.http)


def test_27_is_risc_v_and_0x27_is_loongarch() -> None:
    assert str(architecture(27)) == "RISC-V 64 UEFI (architecture 27, 0x1b)"
    assert str(architecture(0x27)) == "LoongArch 64 UEFI (architecture 39, 0x27)"


@pytest.mark.parametrize(
    ("codes", "first"), [((7, 0), 7), ((0xFFFF, 9), 9), ((1, 7), 1), ((0xFFFF, 42), None), ((), None)]
)
def test_the_first_known_code_of_a_list_counts(codes: tuple[int, ...], first: int | None) -> None:
    found = first_known(codes)

    assert (found.code if found else None) == first
