"""Which soft serial a machine has, and who says so: its file, the API, or what its profile says for all."""

from __future__ import annotations

from dataclasses import dataclass

from netbootd.boot.args import ArgSetting, Layer
from netbootd.boot.model import Machine, Profile
from netbootd.fleet.record import Record
from netbootd.fleet.sightings import called
from netbootd.fleet.soft_serials import Range, parse_rule


@dataclass(frozen=True, slots=True)
class Numbered:
    """``text`` may be a template; "" where the next of ``range`` has not been assigned yet."""

    text: str
    origin: str
    own: bool = True
    """It was given to this machine, and goes over what its profile or a rule says."""
    range: Range | None = None

    def setting(self, key: str) -> tuple[ArgSetting, ...]:
        """As the argument that a payload takes it by, if it has one."""
        layer = Layer.MACHINE if self.own else Layer.PROFILE
        return (ArgSetting(key, (self.text,), self.origin, layer),) if key and self.text else ()

    def laid(self, args: tuple[tuple[ArgSetting, ...], ...], key: str) -> tuple[tuple[ArgSetting, ...], ...]:
        """Layers of arguments, the profile's first and the machine's last, with this where it belongs."""
        setting = self.setting(key)
        if not setting:
            return args
        return (*args[:-1], setting, *args[-1:]) if self.own else (*args[:1], setting, *args[1:])


def numbered(machine: Machine | None, record: Record | None, profile: Profile | None) -> Numbered | None:
    """None: nothing but its arguments says so."""
    if machine and machine.soft_serial:
        return Numbered(machine.soft_serial, f"machine {machine.name}")
    if record and record.soft_serial:
        assigned = record.soft_serial_by
        return Numbered(record.soft_serial, assigned or f"machine {called(record)}, by the API", own=not assigned)
    if profile is None or not profile.soft_serial:
        return None
    rule, origin = parse_rule(profile.soft_serial), f"profile {profile.name}"
    if isinstance(rule, Range):
        return Numbered("", origin, own=False, range=rule)
    return Numbered(profile.soft_serial, origin, own=False)
