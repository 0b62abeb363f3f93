"""LF Edge EVE-OS: what a bundle of it is, what each can do, and how the machines of a profile get one."""

from netbootd.payloads.eve.payload import PAYLOAD, Route, Settings

__all__ = ["PAYLOAD", "Route", "Settings"]
