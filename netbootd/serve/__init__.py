"""Thin shells: sockets on one side, the pure chain on the other::

    :67, :4011  proxydhcp ------------------> chain.dhcp
    :69         tftp, tftp_session -+
    :8080       http ---------------+-> boot -> chain.scripts, boot programs, artifacts
    :8081       admin

``directory`` remembers who is behind an address, ``progress`` who has been given a whole payload.  Every shell tells
what happens to the ``emit`` it was made with, and none of them logs.
"""
