"""What is on disk to be served: iPXE binaries, bundles, and a safe way to open them."""
