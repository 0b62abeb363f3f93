"""``soft_serial`` of profiles and machines: a template or a range for many, one serial for one, and never one twice."""

from __future__ import annotations

from netbootd.boot.args import ArgSetting
from netbootd.config.problems import Place, Problems
from netbootd.config.sources import Entry
from netbootd.config.yaml import line_of
from netbootd.fleet.soft_serials import BadSoftSerial, Fixed, Rule, parse_rule
from netbootd.payloads import SOFT_SERIALS, Payload


class SoftSerials:
    """Reads them, each for one machine alone."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._owners: dict[str, tuple[Entry, str]] = {}

    def of_profile(self, text: str | None, entry: Entry, payload: Payload, args: tuple[ArgSetting, ...]) -> str:
        """A template or a range, or "" for neither."""
        place = _at(entry, "soft_serial")
        if text is None or (rule := self._rule(text, place)) is None:
            return ""
        if isinstance(rule, Fixed):
            why = "is one serial for all its machines: write a range such as NODE-[0001-0999], or a template"
            self._problems.error(place, f"{why} such as '{{{{ machine.mac | hexhyp }}}}'")
        for each in args:
            if each.key == payload.soft_serial:
                self._problems.error(place, f"args.{each.key} says otherwise; keep one of the two")
        return text.strip()

    def of_machine(self, text: str | None, entry: Entry, name: str, args: tuple[ArgSetting, ...]) -> str | None:
        """Its own, or None."""
        place = _at(entry, "soft_serial")
        for each in args if text is not None else ():
            if each.key in SOFT_SERIALS and each.values != (text,):
                self._problems.error(place, f"args.{each.key} says otherwise; keep one of the two")
        for value in (
            value for each in args if each.key in SOFT_SERIALS for value in each.values or () if text is None
        ):
            self._claim(value, entry, "args", name)
        if text is None or (rule := self._rule(text, place)) is None:
            return None
        if not isinstance(rule, Fixed):
            self._problems.error(place, "must be one serial; a template or a range belongs to its profile")
            return None
        self._claim(rule.serial, entry, "soft_serial", name)
        return rule.serial

    def _rule(self, text: str, place: Place) -> Rule | None:
        try:
            return parse_rule(text)
        except BadSoftSerial as error:
            self._problems.error(place, str(error))
            return None

    def _claim(self, serial: str, entry: Entry, key: str, name: str) -> None:
        """What two machines' arguments say is told by ``check``, once it is known what becomes of them."""
        first, first_key = self._owners.setdefault(serial.lower(), (entry, key))
        if first is not entry and "soft_serial" in (key, first_key):
            place = _at(entry, "soft_serial")
            self._problems.error(place, f"the soft serial {serial} of {name} already belongs to {first.machine}")


def _at(entry: Entry, key: str) -> Place:
    return Place(entry.table.file, line_of(entry.table, (key,), entry.place.line), f"{entry.place.key}.{key}")
