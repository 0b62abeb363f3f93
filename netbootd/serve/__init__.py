"""Thin shells: sockets on one side, the pure chain on the other."""
