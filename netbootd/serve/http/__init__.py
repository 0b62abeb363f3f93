"""The boot side over HTTP: scripts, artifacts and iPXE binaries for firmware, iPXE, GRUB and curl.

The way of a request::

    aiohttp -> app.BootSite -> target.parse -> script (memory) -> delivery
                                            -> files (conditions.judge) -> delivery -> net.sendfile

What is refused is raised as `errors.Refused` and becomes an answer in one place.  What a client needs that the RFCs
do not ask for is an entry in `quirks`.
"""
