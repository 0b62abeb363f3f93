"""Machines, profiles, rules: an immutable snapshot to look machines up in."""
