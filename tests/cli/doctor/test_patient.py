"""What is examined."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from netbootd.cli.doctor.patient import Patient
from netbootd.net.interfaces import Address, Interface
from tests.support.doctored import ETH0, patient
from tests.support.house import furnished

ETH1 = Interface("eth1", 3, (Address("10.99.2.2", 24), Address("10.99.3.2", 24)))


@pytest.fixture
def whole(tmp_path: Path) -> Patient:
    return patient(furnished(tmp_path), "", ETH0, ETH1)


def test_machines_come_back_to_the_first_address_of_their_interface(whole: Patient) -> None:
    assert whole.addresses == ("10.99.0.2", "10.99.2.2")
    assert whole.own == {"10.99.0.2", "10.99.2.2", "10.99.3.2"}


def test_an_address_that_is_advertised_goes_for_all(tmp_path: Path) -> None:
    one = patient(furnished(tmp_path), "advertise: 192.0.2.9\n", ETH0, ETH1)
    assert one.addresses == ("192.0.2.9",)
    assert "192.0.2.9" in one.own


def test_of_another_machines_netbootd_nothing_but_its_address_is_known(whole: Patient) -> None:
    other = replace(whole, server="10.99.0.7")
    assert other.own == {"10.99.0.7"}
    assert other.addresses == ("10.99.0.7",)
    assert other.answered


def test_nobody_answers_where_none_runs(whole: Patient) -> None:
    assert not whole.answered
    assert replace(whole, running=True).answered
