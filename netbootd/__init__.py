"""netbootd: network boot beside whatever DHCP server the network already has.

The way of a packet is one direction, no back and forth::

    bytes in -> wire.decode -> boot.identify -> fleet.lookup -> boot.decide
             -> boot.reply / boot.render -> wire.encode -> bytes out

``wire``, ``boot`` and ``payloads`` are pure: no socket, clock, randomness, file or logger; time and addresses are
arguments.  ``net`` touches sockets, ``serve`` joins the two, ``observe`` is told what happened, ``cli`` stands on top.
The same chain without sockets *is* ``netbootd explain`` and ``netbootd render``.
"""

__version__ = "0.1.0"
