"""Files written whole or not at all, and numbers made ready for JSON."""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def whole(file: Path) -> bool:
    """Whether an npz file is there and every checksum in it is right."""
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False


def write(path: Path, put: Callable[[Any], Any]) -> None:
    """Write a file whole or not at all: under another name first, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as file:
            put(file)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    write(path, lambda file: file.write(json.dumps(content, indent=1, allow_nan=False).encode()))


def finite(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """With null for every number that is none, in lists of numbers too."""

    def told(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [told(each) for each in value]
        return value if value is not None and math.isfinite(value) else None

    return {name: told(value) for name, value in numbers.items()}
