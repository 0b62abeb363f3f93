"""Bytes <-> values: DHCP, PXE options, TFTP.  Pure: nothing here opens, waits, logs or looks at a clock."""
