"""A node's own CONFIG partition: what EVE could not use is said before anybody boots, and the image holds the rest."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from netbootd.boot.model import ConfigFile
from netbootd.payloads.base import CannotBoot
from netbootd.payloads.eve.config_partition import clash, fault, image, lacks
from netbootd.wire.fat_reader import read_fat
from tests.support.pem import CERTIFICATE, KEY, element, pem
from tests.support.tls import certify

MIB = 1 << 20
SSH = b"ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519" + bytes(36)) + b" admin@example\n"


def told(path: str, data: bytes | str) -> str:
    return fault(ConfigFile(path, data.encode() if isinstance(data, str) else data, "netbootd.yaml:3"))


class TestImage:
    """The image of all files."""

    def test_has_the_partitions_size_and_the_files_under_their_names(self) -> None:
        files = {
            "server": b"zed.example\n",
            "DevicePortConfig/override.json": b"{}",
            "v2tlsbaseroot-certificates.pem": CERTIFICATE * 200,
            "some extra file of mine.bin": bytes(range(256)),
        }
        for size in (MIB, 5 * MIB):
            made = image((ConfigFile(path, data) for path, data in files.items()), size)
            assert made.length == size
            volume = read_fat(made.joined())
            assert (volume.label, volume.files) == ("EVE", files)

    def test_is_always_the_same_for_the_same_files(self) -> None:
        files = [ConfigFile("server", b"a"), ConfigFile("soft_serial", b"b")]

        assert image(files, MIB).joined() == image(reversed(files), MIB).joined()

    def test_that_does_not_fit_says_by_how_much(self) -> None:
        with pytest.raises(CannotBoot, match=r"config: \d+ KiB too much for an image of 1024 KiB"):
            image([ConfigFile("big", bytes(MIB))], MIB)

    def test_with_two_names_that_are_one_on_fat_is_refused(self) -> None:
        with pytest.raises(CannotBoot, match="are the same name on FAT"):
            image([ConfigFile("SERVER", b""), ConfigFile("server", b"")], MIB)

    @pytest.mark.parametrize("path", ["onboard.cert.pem", "onboard.key.pem"])
    def test_with_half_of_what_enrols_a_node_is_refused(self, path: str) -> None:
        with pytest.raises(CannotBoot, match=f"{path} alone: onboard.cert.pem and onboard.key.pem belong together"):
            image([ConfigFile(path, b"")], MIB)

    def test_with_a_device_certificate_whose_key_is_in_a_tpm_is_made(self) -> None:
        assert image([ConfigFile("device.cert.pem", CERTIFICATE)], MIB).length == MIB


class TestWhatIsMissing:
    """None of EVE's own files is in the image."""

    def test_is_told(self) -> None:
        assert len(lacks((), ())) == 3
        assert lacks(("root-certificate.pem", "onboard.cert.pem"), ()) == (
            "config has no server, and the node gets none of EVE's own",
        )

    def test_is_not_what_an_argument_says(self) -> None:
        assert lacks(("root-certificate.pem", "onboard.cert.pem"), ("eve_install_server",)) == ()

    def test_is_not_what_the_release_has(self) -> None:
        stock = ("root-certificate.pem", "onboard.cert.pem")
        assert lacks(("server",), (), stock) == ()
        assert lacks(("authorized_keys",), (), stock) == ("config has no server, nor has the bundle's own config.img",)


class TestStock:
    """The release's own files lie under the node's."""

    STOCK = (
        ConfigFile("server", b"stock"),
        ConfigFile("onboard.cert.pem", b"theirs"),
        ConfigFile("onboard.key.pem", b"theirs"),
        ConfigFile("GlobalConfig/global.json", b"{}"),
    )

    def files(self, *own: ConfigFile) -> dict[str, bytes]:
        return read_fat(image(own, MIB, self.STOCK).joined()).files

    def test_file_by_file_and_the_node_s_own_wins(self) -> None:
        own = (ConfigFile("server", b"mine"), ConfigFile("DevicePortConfig/override.json", b"{}"))
        stock = {file.path: file.data for file in self.STOCK}
        assert self.files(*own) == stock | {"server": b"mine", "DevicePortConfig/override.json": b"{}"}

    def test_whatever_the_case_of_its_letters(self) -> None:
        """FAT has one name for both."""
        found = self.files(ConfigFile("Server", b"mine"))
        assert (found["Server"], "server" in found) == (b"mine", False)

    def test_half_a_pair_of_the_node_s_own_is_not_made_whole_by_the_release_s(self) -> None:
        """Their key does not belong to this certificate."""
        with pytest.raises(CannotBoot, match="belong together"):
            self.files(ConfigFile("onboard.cert.pem", b"mine"))

    @pytest.mark.parametrize("whose", ["onboard", "device"])
    def test_a_key_that_is_not_that_of_its_certificate_is_refused(self, whose: str, tmp_path: Path) -> None:
        one, other = (certify(tmp_path, name, key="ed25519" if name == "b" else "rsa:2048") for name in "ab")
        certificate = ConfigFile(f"{whose}.cert.pem", one.certificate.read_bytes(), "x.yaml:1")
        assert one.key
        assert other.key
        assert clash((certificate, ConfigFile(f"{whose}.key.pem", one.key.read_bytes(), "x.yaml:2"))) == ""
        with pytest.raises(CannotBoot) as refused:
            self.files(certificate, ConfigFile(f"{whose}.key.pem", other.key.read_bytes(), "x.yaml:2"))
        assert str(refused.value) == (
            f"{whose}.key.pem of config (x.yaml:2) is not the key of {whose}.cert.pem (x.yaml:1)"
        )

    def test_a_file_where_the_release_has_a_directory_is_refused(self) -> None:
        with pytest.raises(CannotBoot, match="config: "):
            self.files(ConfigFile("GlobalConfig", b"mine"))


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("server", "zedcloud.example.net\n"),
        ("server", "192.0.2.9:8443"),
        ("server", "[2001:db8::1]:443"),
        ("soft_serial", "NODE-0001.a\n"),
        ("root-certificate.pem", CERTIFICATE),
        ("root-certificate.pem", CERTIFICATE.replace(b"\n", b"\r\n")),
        ("v2tlsbaseroot-certificates.pem", b"# roots\n" + CERTIFICATE * 3),
        ("onboard.cert.pem", CERTIFICATE),
        ("onboard.key.pem", KEY),
        ("onboard.key.pem", pem("EC PARAMETERS", b"\x06\x00") + pem("EC PRIVATE KEY", element(0x30))),
        ("device.key.pem", pem("RSA PRIVATE KEY", element(0x30))),
        ("authorized_keys", b"# admins\n\n" + SSH * 2),
        ("authorized_keys", b""),
        ("GlobalConfig/global.json", '{"MaintenanceMode": "none"}'),
        ("DevicePortConfig/lab.json", "{}"),
        ("bootstrap-config.pb", b"\x12\x00\xff"),
        ("grub.cfg", "set_global dom0_extra_args x\n"),
        ("wpa_supplicant.conf", "network={\n}\n"),
        ("anything/else", b"\0\xff"),
        ("notes.json", "not JSON, and EVE does not look at it"),
    ],
)
def test_usual_files_pass(path: str, data: bytes | str) -> None:
    assert told(path, data) == ""


@pytest.mark.parametrize(
    "data",
    ["", "a\nb", "a\r\n", "a b", " a", "a\n\n", "\ufeffa", "ä.example", "a..b", "-a", "a:", "a:0", "a:65536", "a/b"],
)
def test_a_server_is_one_line_with_a_host(data: str) -> None:
    assert "a host" in told("server", data)


def test_a_url_is_no_server() -> None:
    assert "is a URL" in told("server", "https://zed.example")


@pytest.mark.parametrize("data", ["", "a\nb", "a b", "a/b", "../a", "ä", "a_b"])
def test_a_soft_serial_becomes_a_directory_and_a_header(data: str) -> None:
    assert "directory" in told("soft_serial", data)


@pytest.mark.parametrize(
    "path", ["root-certificate.pem", "v2tlsbaseroot-certificates.pem", "onboard.cert.pem", "device.cert.pem"]
)
@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a certificate"),
        (b"hello", "not a certificate"),
        (element(0x30, element(0x30)), "not a certificate"),  # DER
        (CERTIFICATE[:-20], "not a certificate"),
        (CERTIFICATE + KEY, "private key"),
        (KEY, "private key"),
        (pem("CERTIFICATE REQUEST", element(0x30)), "CERTIFICATE REQUEST"),
        (CERTIFICATE + pem("CERTIFICATE", b"\x30\x05x"), "certificate 2 of 2 in it is broken"),
        (pem("CERTIFICATE", element(0x30, element(0x30))), "certificate 1 of 1 in it is broken"),
        (pem("CERTIFICATE", b"\x30\x84\xff\xff\xff\xff"), "broken"),
        (pem("CERTIFICATE", b"\x30\x80\x00\x00"), "broken"),
        (b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "broken"),
    ],
)
def test_a_certificate_that_is_none_is_told(path: str, data: bytes, why: str) -> None:
    assert why in told(path, data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "one private key"),
        (CERTIFICATE, "one private key"),
        (KEY * 2, "one private key"),
        (pem("ENCRYPTED PRIVATE KEY", element(0x30)), "passphrase"),
        (
            b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
            "passphrase",
        ),
        (pem("PRIVATE KEY", b"\x04\x00"), "broken"),
        (pem("PRIVATE KEY", b""), "broken"),
    ],
)
def test_a_key_that_is_none_is_told(data: bytes, why: str) -> None:
    assert why in told("onboard.key.pem", data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'from="192.0.2.0/24" ' + SSH, "line 1 begins with options"),
        (SSH + b"restrict " + SSH, "line 2 begins with options"),
        (b"hello", "line 1 is not a public key"),
        (b"ssh-ed25519", "line 1 holds a broken key"),
        (b"ssh-rsa " + SSH.split()[1], "line 1 holds a broken key"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "line 1 is not a public key"),
        (b"\xff", "not text"),
    ],
)
def test_authorized_keys_are_keys_alone(data: bytes, why: str) -> None:
    assert why in told("authorized_keys", data)


@pytest.mark.parametrize("path", ["GlobalConfig/global.json", "DevicePortConfig/override.json"])
@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "line 1, column 1"),
        ('{"a": }', "line 1, column 7"),
        ("[]", "in braces"),
        (b"\xff\xff", "not JSON"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_json_is_json(path: str, data: bytes | str, why: str) -> None:
    assert why in told(path, data)


def test_an_empty_bootstrap_configuration_is_told() -> None:
    assert told("bootstrap-config.pb", b"") == "it is empty"


def test_nothing_of_a_secret_is_repeated() -> None:
    for path in ("onboard.key.pem", "onboard.cert.pem", "authorized_keys", "DevicePortConfig/override.json"):
        assert "hunter2" not in told(path, "hunter2")


def test_networks_that_nothing_reads_are_told() -> None:
    paths = {"server", "root-certificate.pem", "onboard.cert.pem", "DevicePortConfig/override.json"}
    assert lacks(paths, ()) == ()
    assert lacks(paths | {"bootstrap-config.pb"}, ()) == (
        "DevicePortConfig/override.json is not read, because there is a bootstrap-config.pb",
    )
