"""The one family of errors."""

from __future__ import annotations

import pytest

from netbootd.wire.errors import WireError


def test_it_carries_a_reason_to_count_and_a_detail_to_read() -> None:
    error = WireError("truncated option", "option 60")

    assert (error.reason, error.detail, str(error)) == ("truncated option", "option 60", "truncated option: option 60")


def test_without_a_detail_it_reads_as_its_reason() -> None:
    assert str(WireError("not DHCP")) == "not DHCP"


def test_it_carries_what_a_tftp_server_answers() -> None:
    assert WireError("bad mode", tftp_code=4).tftp_code == 4
    assert WireError("bad mode").tftp_code == 0


def test_it_is_a_value_error_so_that_settings_can_report_it() -> None:
    with pytest.raises(ValueError, match="not DHCP"):
        raise WireError("not DHCP")
