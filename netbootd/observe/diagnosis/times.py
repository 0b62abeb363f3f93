"""How long a healthy boot may be silent at each step, in seconds, and which firmware says so."""

from __future__ import annotations

IGNORED = 30.0
"""From the first DISCOVER.  PXE 2.1 section 2.2.2 and EDK2 send it at 0, 4, 12 and 28 s: with the fourth, the firmware
has let both ways of answering it go by, and a DHCP server that first pings an address is long done."""
ASKED = 3
"""DISCOVERs that are more than a slow DHCP server and a lost packet make."""
GONE = 60.0
"""After the last thing firmware did: its fourth DISCOVER waits 32 s, and a DISCOVER of the next card takes 20 more."""
TFTP = 30.0
"""From port 4011's answer, or from a probe for the size, to the read: EDK2 asks within a second, and for a lost
request again after 4, 8 and 12."""
STARTS = 90.0
"""From a boot program's last byte to iPXE's first DISCOVER: iPXE resets the card, and a port with spanning tree then
forwards nothing for 30 s, or 50 with old timers; iPXE waits for the link as long (DHCP_DISC_MAX_DEFERRALS)."""
LEASE = 30.0
"""From iPXE's first DISCOVER: it asks after 1, 2, 4 and 8 s, then every 10."""
AT_ONCE = 10.0
"""From a boot program's last byte to iPXE's first DISCOVER: a port that spanning tree holds back forwards it later."""
SCRIPT = 45.0
"""From iPXE's address to its script: it waits 2 s for a proxy, 16 s for an IPv6 router (iPXE of 2019), and repeats a
lost SYN after 1, 2, 4 and 8 s."""
TLS = 20.0
"""From a handshake that came to nothing: iPXE gives up at once, or tries again within seconds."""
OWN_SCRIPT = 60.0
"""From the entry script to the machine's own: five repetitions take 15 s and their time-outs."""
NEXT_FILE = 90.0
"""Between a script and its first file, or two files: a slow machine unpacks an image for seconds, and a script that
retries sleeps less than this."""
SYSTEM = 300.0
"""From a payload's last byte to the first word of a system whose arguments need the network: large servers take two
minutes for their drivers, old DHCP clients one for an address."""
CRASHED = 60.0
"""From a payload's last byte to the firmware's next DISCOVER: no installer is through in that time."""
PROMPT = 20.0
"""A script of ours whose `boot` fails waits that long for a key, then leaves the machine to its firmware."""
PROMPT_AND_BACK = 10.0
"""More, until that asks anew: its next entry, without a power-on self-test between."""
LARGE = 512e6
"""Bytes fetched: three times that is more than many virtual machines have."""
SLOW_AFTER = 30.0
"""Of one transfer, before its rate means anything."""
SLOW_LEFT = 300.0
"""Still to go."""
SLOW_RATE = 1.25e6
"""Bytes a second: a link of 10 Mbit/s, slower than any that works as it was sold."""
LOOP_WITHIN = 1800.0
"""Of the first and the last boot of a loop: three runs of a server that takes ten minutes each."""
LOOPS = 3
INSTALLS_WITHIN = 7200.0
INSTALLS = 4
"""Payloads handed out in that time; a person who tries something out gets to two or three."""
