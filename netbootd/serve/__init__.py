"""Thin shells: sockets on one side, the pure chain on the other::

    :67, :4011  proxydhcp ------------------> chain.dhcp
    :69         tftp, tftp_session -+
    :8080       http ---------------+-> boot -> chain.scripts, boot programs, artifacts
    :8081       admin

    :514        syslog                      others' packets  overhearing

listening, serving    what is bound; the servers for machines on it, started and stopped as one
addresses             which addresses are ours, and where a machine finds us; certificate: what is shown there by TLS
directory             who is behind an address
progress, lives       who has been given a whole payload; what that and silence amount to, machine by machine
tokens, node          what was made for one machine alone, and its installer's calls; recipe: how it is made again
lookup                tokens of another daemon
serials, claims       the next soft serial for each machine of ours, and none twice
planned, stock        what a script has its machine fetch; the names that EVE's own files have
diagnosing, alarms    what is wrong with a boot, when somebody asks, and of its own accord
background            work that nobody waits for

Every shell tells what happens to the ``emit`` it was made with, and none of them logs.
"""
