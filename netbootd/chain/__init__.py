"""The way of a question, from bytes to the answer, without a socket.

`dhcp` and the scripts are all of netbootd's thinking.  The daemon puts sockets around them; ``explain`` and ``render``
call them and print what they return, so that neither can say anything else than the daemon does.
"""
