"""Bytes <-> values: DHCP, PXE options, TFTP, and what is served out of: cpio, ISO 9660, FAT.

Pure: nothing here opens, waits, logs or looks at a clock.
"""
