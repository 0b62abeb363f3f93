"""What would go wrong at boot, found before anybody boots: ``netbootd check``, and the warnings of ``run``.

whole                 all of it, in one order; the certificate and the templates
profiles              what profiles name and is not there, or cannot be booted from here
scripts               every machine's own script, as it will be once it is armed
gathered              what scripts have to say, told once where it concerns many
waiting               machines that nobody has armed yet
machines, places      which machines are looked at, and what is known of each; the file and line of a problem
"""

from __future__ import annotations

from netbootd.check.profiles import lacking
from netbootd.check.waiting import waiting_named, waiting_told
from netbootd.check.whole import check

__all__ = ["check", "lacking", "waiting_named", "waiting_told"]
