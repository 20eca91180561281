"""Scripts of the page to watch: small modules beside the templates, put together into one that needs no other file."""

from __future__ import annotations

import re

from markupsafe import Markup

from reports.page.templates import beside

# Each after those that it imports from.
CORE = ("arrays", "fourier", "operators", "data", "mixture", "loop", "noise", "plane")
PAGE = (*CORE, "masks", "paint", "player", "alone", "live", "played", "real")
WORKER = (*CORE[:-1], "network", "engine")  # what runs the network, apart from the page


def bundle(modules: tuple[str, ...] = PAGE) -> Markup:
    """The modules as one: names are unique among them, so that imports and exports can be left out."""
    return Markup("\n".join(inner(str(beside(f"watch/{name}.js"))) for name in modules))


def inner(text: str) -> str:
    text = re.sub(r"^import .*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^export ", "", text, flags=re.MULTILINE)
