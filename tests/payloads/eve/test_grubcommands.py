"""GRUB's commands as a menu of EVE's uses them: what they find, and what is left out and said."""

from __future__ import annotations

import pytest

from netbootd.payloads.eve.bundle import Era
from netbootd.payloads.eve.grubcommands import Smbios
from netbootd.payloads.eve.grubscript import MenuError, evaluate
from tests.support.eve_menus import MENU, include

ACME = Smbios("ACME", "Server 1")


def test_the_cmdline_file_is_read_up_to_its_first_lines_end() -> None:
    menu = evaluate(MENU, include(Era.B2), ACME, arch="x86_64", cmdline="first=1\nsecond=2\n")
    assert "first=1" in menu.kernel_args
    assert "second=2" not in menu.kernel_args


def test_a_cmdline_beyond_a_disk_block_is_not_read() -> None:
    """EVE's patch to ``cat`` refuses it, so GRUB would have booted without."""
    menu = evaluate(MENU, include(Era.B2), ACME, arch="x86_64", cmdline="first=" + "1" * 512)
    assert not any(arg.startswith("first=") for arg in menu.kernel_args)
    assert menu.notes == ("what 'boot/cmdline' says is not known here and was left out",)


def test_a_command_it_does_not_know_is_left_out_and_noted() -> None:
    menu = evaluate("play 480\nmenuentry a {\n linux /k a\n}\n", "", ACME, arch="x86_64")
    assert menu.notes == ("its command 'play' is not known here and was left out",)


def test_a_file_it_does_not_know_is_left_out_and_noted() -> None:
    menu = evaluate("source /more.cfg\nmenuentry a { linux /k a; }", "", ACME, arch="x86_64", files=("more.cfg",))
    assert menu.notes == ("its file '/more.cfg' is not known here and was left out",)


def test_nothing_is_found_on_a_network_device() -> None:
    """GRUB cannot list a server's directory: ``-f`` is never true there, whatever the server has."""
    menu = 'if [ -f "($cmddevice)/config.img" ]; then set a=found; fi\nmenuentry a { linux /k "$a" x; }'
    assert evaluate(menu, "", ACME, arch="x86_64", files=("config.img",)).kernel_args == ("x",)


def test_costly_patterns_have_an_end() -> None:
    menu = f'set a="{"a" * 200}"\n' + 'regexp "(a*)*(a|a)*(a*)*b" $a\n' * 2000
    with pytest.raises(MenuError, match="more text"):
        evaluate(menu, "", ACME, arch="x86_64")
