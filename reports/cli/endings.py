"""How a command ends: exit codes, one sentence on stderr for bad input, and what is kept when it is interrupted."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import NoReturn

import click

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130


def leave(sentence: str, code: int) -> NoReturn:
    click.echo(f"priorbench: {' '.join(sentence.split())}", err=True)
    sys.exit(code)


@contextlib.contextmanager
def input_checked() -> Iterator[None]:
    """Around all that may meet bad input: nothing is solved or written in here."""
    try:
        yield
    except (ValueError, TypeError, OSError, ImportError) as error:
        leave(str(error), BAD_INPUT)


@contextlib.contextmanager
def resumable(what: str) -> Iterator[None]:
    """Around all that may take long: what has ended is kept, and the way to go on is told."""
    try:
        yield
    except KeyboardInterrupt:
        leave(f"interrupted; {what} is kept, and the same command goes on from there", INTERRUPTED)
    except OSError as error:
        leave(f"stopped: {error}; {what} is kept, and the same command goes on from there", FAILED)


@contextlib.contextmanager
def finishing(out: str) -> Iterator[None]:
    """Around what is written at its end, whole or not at all."""
    try:
        yield
    except KeyboardInterrupt:
        leave(f"interrupted; nothing was written to {out}", INTERRUPTED)
    except OSError as error:
        leave(f"stopped: {error}", FAILED)
