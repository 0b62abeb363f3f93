"""What names a machine beside its cards: what SMBIOS says of the board, and its address."""

from __future__ import annotations

from netbootd.boot.facts import Facts, parse_facts
from netbootd.config.models import MachineKeys
from netbootd.config.problems import Place, Problems, said
from netbootd.config.sources import Entry
from netbootd.config.yaml import line_of
from netbootd.fleet.snapshot import IDENTITIES


class Identities:
    """Reads them, each for one machine alone."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._owners: dict[tuple[str, str], Entry] = {}

    def read(self, keys: MachineKeys, entry: Entry) -> Facts:
        """What the machine is known by, held to the grammar its own iPXE is held to."""
        pairs = tuple((name, text) for name in IDENTITIES if (text := getattr(keys, name)) is not None)
        known, refused = parse_facts(pairs)
        reasons = {refusal.field: refusal.reason for refusal in refused}
        for name, text in pairs:
            place = Place(entry.table.file, line_of(entry.table, (name,)), f"{entry.place.key}.{name}")
            if name in reasons:
                self._problems.error(place, f"{said(text)} will not do: {reasons[name]}")
            elif getattr(known, name) is None:
                self._problems.error(place, f"{said(text)} names no machine: many boards say so")
            else:
                self._claim(name, str(getattr(known, name)), place, entry)
        return known

    def _claim(self, name: str, value: str, place: Place, entry: Entry) -> None:
        first = self._owners.setdefault((name, value.lower()), entry)
        if first is not entry:
            self._problems.error(place, f"{value} already belongs to {first.machine}")
