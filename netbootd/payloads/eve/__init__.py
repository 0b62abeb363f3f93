"""LF Edge EVE-OS: what a bundle of it is, what each can do, and how the machines of a profile get one."""

from netbootd.payloads.eve.classic import FLAGS, PAYLOAD, Settings

__all__ = ["FLAGS", "PAYLOAD", "Settings"]
