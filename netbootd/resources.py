"""The files netbootd ships: templates, worked examples, systemd units.

In a wheel they lie inside the package; in a checkout (``pip install -e .``) at its top, where people edit them.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def templates_dir(package: Path = _PACKAGE) -> Path:
    """The built-in iPXE and GRUB templates."""
    return _shipped("ipxe_templates", package)


def configs_dir(package: Path = _PACKAGE) -> Path:
    """The commented default settings and the worked examples."""
    return _shipped("configs", package)


def default_config(package: Path = _PACKAGE) -> Path:
    """A settings file to start from: every key with its default, commented."""
    return configs_dir(package) / "netbootd.yaml"


def systemd_dir(package: Path = _PACKAGE) -> Path:
    """The unit, the socket, sysusers.d and tmpfiles.d."""
    return _shipped("systemd", package)


def payload_file(name: str, package: Path = _PACKAGE) -> Path:
    """What a payload names in its ``files``: it lies beside the module that uses it, in the package itself."""
    return package / "payloads" / name


def _shipped(name: str, package: Path) -> Path:
    packed = package / "_data" / name
    return packed if packed.is_dir() else package.parent / name
