"""Every URL is absolute, and a usual port is left out."""

from __future__ import annotations

from netbootd.boot.site import Site, asked


def test_urls_name_the_address_and_the_port() -> None:
    site = Site("192.0.2.1", http_port=8080, tftp_port=1069)

    assert site.entry_url() == "http://192.0.2.1:8080/ipxe.cfg"
    assert site.tftp_url == "tftp://192.0.2.1:1069"
    assert site.firmware_url("snponly.efi") == "http://192.0.2.1:8080/firmware/snponly.efi"
    assert site.artifact_url("/a b/kernel") == "http://192.0.2.1:8080/artifacts/a%20b/kernel"


def test_usual_ports_are_left_out() -> None:
    """Some UEFI firmware and GRUB do not read a port."""
    site = Site("192.0.2.1", http_port=80)

    assert (site.base_url, site.tftp_url) == ("http://192.0.2.1", "tftp://192.0.2.1")


def test_without_tftp_there_is_no_tftp_url() -> None:
    assert Site("192.0.2.1", tftp_port=None).tftp_url == ""


def test_a_public_url_goes_before_the_address() -> None:
    assert Site("192.0.2.1", public_url="https://boot.example/x/").entry_url() == "https://boot.example/x/ipxe.cfg"


def test_what_already_is_a_url_stays() -> None:
    assert Site("192.0.2.1").artifact_url("https://mirror.example/vmlinuz") == "https://mirror.example/vmlinuz"


def test_a_name_cannot_leave_its_place() -> None:
    assert Site("192.0.2.1").firmware_url("a?b#c\n") == "http://192.0.2.1:8080/firmware/a%3Fb%23c%0A"


def test_a_boot_program_is_named_by_address_even_where_scripts_are_not() -> None:
    """UEFI HTTP Boot without a DNS option in its lease cannot resolve a name (EDK2 HttpBootDxe)."""
    site = Site("192.0.2.1", 8080, public_url="https://boot.example.net")
    assert site.firmware_url("snponly.efi") == "http://192.0.2.1:8080/firmware/snponly.efi"
    assert site.entry_url() == "https://boot.example.net/ipxe.cfg"


def test_a_machine_s_own_url_has_its_secret_in_it() -> None:
    assert Site("192.0.2.1").secret_url("s3cr3t") == "http://192.0.2.1:8080/boot/s3cr3t/ipxe.cfg"


def test_artifacts_may_be_fetched_from_a_room_of_one_machine() -> None:
    site = Site("192.0.2.1", artifacts="node/t0ken/artifacts")
    assert site.artifact_url("rescue/kernel") == "http://192.0.2.1:8080/node/t0ken/artifacts/rescue/kernel"


def test_one_more_pair_goes_behind_those_there_are() -> None:
    assert asked("http://h/ipxe.cfg", "leave=yes") == "http://h/ipxe.cfg?leave=yes"
    assert asked("http://h/ipxe.cfg?mac=1", "leave=yes") == "http://h/ipxe.cfg?mac=1&leave=yes"


def test_installers_are_told_where_their_lines_are_taken_and_ipxe_where_it_can_reach() -> None:
    """iPXE sends to port 514 and no other (SYSLOG_PORT)."""
    assert (Site("192.0.2.1").syslog, Site("192.0.2.1").ipxe_syslog) == ("", "")
    usual, other = Site("192.0.2.1", syslog_port=514), Site("192.0.2.1", syslog_port=5514)
    assert (usual.syslog, usual.ipxe_syslog) == ("192.0.2.1:514", "192.0.2.1")
    assert (other.syslog, other.ipxe_syslog) == ("192.0.2.1:5514", "")
