"""The command `feedmirror`."""

from feedmirror.entrypoints.cli.command import main

__all__ = ["main"]
