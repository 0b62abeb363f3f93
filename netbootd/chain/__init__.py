"""The way of a question, from bytes to the answer, without a socket.

`dhcp` and `scripts` are all of netbootd's thinking: `ordering` puts together what a machine is to boot, with `clouds`
for where it stands, `serials` and `claims` for its soft serial and who else has it, `calls` for its installer.

The daemon puts sockets around them; ``explain`` and ``render`` call them and print what they return, so that neither
can say anything else than the daemon does.
"""
