"""How pages are written: templates, style and script lie beside this file and are laid into one HTML file that needs no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from reports.runs import files

HERE = Path(__file__).parent


def write(path: Path, template: str, **given: Any) -> Path:
    """Fill ``template`` with what is given, and with files ``beside`` it that it asks for, and write it whole or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.globals["beside"] = beside  # for macros, which see nothing of what is given
    text = environment.get_template(template).render(given)
    files.write(path, lambda file: file.write(text.encode()))
    return path


def beside(name: str) -> Markup:
    return Markup((HERE / name).read_text("utf-8"))
