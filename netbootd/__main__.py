"""``python -m netbootd``."""

from netbootd.cli.main import main

main()
