"""``python -m arengo``."""

from arengo.cli import main

main()
