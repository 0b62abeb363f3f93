"""What one bootable system needs, one module each.  Pure."""
