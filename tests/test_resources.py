"""Where netbootd looks for the files it ships: inside the package if it was installed, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from netbootd import resources
from netbootd.payloads import PAYLOADS

ROOT = Path(__file__).parents[1]


def test_in_a_checkout_the_files_that_people_edit_are_used() -> None:
    assert resources.templates_dir() == ROOT / "ipxe_templates"
    assert resources.default_config() == ROOT / "configs" / "netbootd.yaml"
    assert resources.default_config().is_file()
    assert (resources.systemd_dir() / "netbootd.service").is_file()


def test_in_an_installation_the_package_has_its_own(tmp_path: Path) -> None:
    """Even if a directory of the same name lies beside it, as in a site-packages that others share."""
    package = tmp_path / "netbootd"
    for place in (package / "_data" / "configs", tmp_path / "configs"):
        place.mkdir(parents=True)
    assert resources.configs_dir(package) == package / "_data" / "configs"


def test_a_payloads_file_lies_beside_its_module() -> None:
    assert resources.payload_file("eve/init.sh") == ROOT / "netbootd" / "payloads" / "eve" / "init.sh"
    assert all(resources.payload_file(name).is_file() for payload in PAYLOADS.values() for name in payload.files)
