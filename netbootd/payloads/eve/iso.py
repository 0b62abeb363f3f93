"""What a node fetches of a bundle's installer.iso: pieces of it, where they lie, and a config.img of the node's own."""

from __future__ import annotations

from netbootd.payloads.base import CannotBoot, Order
from netbootd.payloads.eve import config_partition
from netbootd.payloads.eve.bundle import CONFIG, ISO, Bundle
from netbootd.wire.segments import NOTHING, Extent, Segments


def whole(bundle: Bundle) -> Segments:
    """All of it."""
    return Segments.of(Extent(_path(bundle), 0, bundle.iso_size))


def part(bundle: Bundle, path: str) -> Segments:
    """A file of it.  Raises `CannotBoot`."""
    if why := lacking(bundle, path):
        raise CannotBoot(why)
    file = bundle.in_iso(path)
    assert file is not None, "it would be lacking"
    return Segments.of(Extent(_path(bundle), file.offset, file.size))


def config(bundle: Bundle, order: Order) -> Segments:
    """The node's own config.img where it has files, else that of the ISO; nothing where there is neither.

    Raises `CannotBoot`.
    """
    stock = bundle.in_iso(CONFIG)
    if order.config:
        size = bundle.config_size or (stock.size if stock else config_partition.SIZE)
        return config_partition.image(order.config, size, bundle.stock)
    return part(bundle, CONFIG) if stock else NOTHING


def lacking(bundle: Bundle, *paths: str) -> str:
    """Why these cannot be fetched out of it; "" where all of them can."""
    absent = [path for path in paths if bundle.in_iso(path) is None]
    if not absent:
        return ""
    return f"bundle {bundle.name}: its {ISO} has no {', no '.join(absent)} that lies in it in one piece"


def _path(bundle: Bundle) -> str:
    return f"{bundle.directory}/{ISO}"
