"""The command line ``priorbench``, one module a group of commands."""

from reports.cli.entry import main

__all__ = ["main"]
