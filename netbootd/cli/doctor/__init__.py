"""``netbootd doctor``: a boot rehearsed as firmware would go about it, from the machine the command runs on.

`command` asks one family of probes after the other; each yields `line.Line`s, as they become known, and never raises:
what cannot be found out is a line too.  Families that look (`here`, `links`, `rooms`) need no daemon; those that ask
(`wire`, `fetch`, `scripts`) speak to the one that is found, here or at another address.  What came back is judged apart
from the asking (`judge`, `firewall`), by functions of values alone.

scapy and tftpy are imported by `frames` and `fetch`, and only once they are needed.
"""
