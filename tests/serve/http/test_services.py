"""What passes between the boot site and the rest."""

from __future__ import annotations

import pytest

from netbootd.serve.http.services import ScriptReply


def test_an_empty_script_cannot_be_made_since_ipxe_would_drop_it_without_a_word() -> None:
    with pytest.raises(AssertionError):
        ScriptReply(b"")
