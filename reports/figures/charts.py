"""What all charts share: heading, legend below, height, looks of priors, files. Matplotlib places everything (constrained layout)."""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.colors
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from reports.figures import style
from reports.runs import files

MARGIN = 0.1  # inches, left and right
TOP = 0.08  # inches above the first row, which constrained layout would set against the edge of the canvas
DPI = 200
SHADE = 0.6  # brightness of the next prior of the same family relative to the one before

Look = Mapping[str, Any]  # keyword arguments of a line


def new_figure(width: float, title: str, explained: str, titled: bool = True, pad: tuple[float, float] = (0.04, 0.06)) -> Figure:
    """A figure ``width`` inches wide whose label is its caption; with ``titled``, title and explanation stand above the axes.

    ``pad``: inches left free around each panel, across and up.
    """
    margin, (across, up) = MARGIN / width, pad
    figure = Figure((width, 4), layout=ConstrainedLayoutEngine(rect=(margin, 0, 1 - 2 * margin, 1), w_pad=across, h_pad=up, wspace=0.02))
    figure.set_label(f"{title}. {explained}")
    if titled:
        # The first lines are left empty for the bold title. Text(wrap=True) would wrap at the edge of the canvas, without a margin.
        heading = textwrap.wrap(title, int(12 * (width - 2 * MARGIN)))
        words = "\n" * len(heading) + textwrap.fill(explained, int(17.5 * (width - 2 * MARGIN)))
        figure.suptitle(words, x=margin, ha="left", size=7, color=style.MUTED, linespacing=1.6)
        top = figure.transFigure + matplotlib.transforms.ScaledTranslation(0, -0.06, figure.dpi_scale_trans)
        figure.text(margin, 1, "\n".join(heading), size=9.5, weight="bold", va="top", transform=top)
    return figure


def legend_below(figure: Figure, handles: Sequence[Artist]) -> None:
    """A legend under the axes in as many columns as the width holds; matplotlib does not choose that number itself."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    for columns in range(min(len(handles), 8), 0, -1):
        legend = figure.legend(handles=handles, ncols=columns, loc="outside lower center", frameon=False, fontsize=6.5, handlelength=2.4,
                               columnspacing=1.2, labelspacing=0.3, borderaxespad=0.4, borderpad=0)  # fmt: skip
        if columns == 1 or legend.get_window_extent(renderer).width <= figure.bbox.width * (1 - 2 * MARGIN / figure.get_figwidth()):
            return
        legend.remove()


def fit_height(figure: Figure, panel: Axes, rows: float, height: float | None = None) -> Figure:
    """Make ``panel``, one of ``rows`` below each other, ``height`` inches high, or square where None.

    Constrained layout fills a given size, and it does not choose the size; what stands around the panels keeps its height in inches.
    """
    figure.set_figheight(3 + 1.6 * rows * (height or 1))
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    for _ in range(2):  # the second time corrects for what the first estimate of the height squeezed
        engine.execute(figure)
        box = panel.get_position(original=True).transformed(figure.transSubfigure + figure.dpi_scale_trans.inverted())
        figure.set_figheight(max(1.0, figure.get_figheight() + rows * ((box.width if height is None else height) - box.height)))
    figure.set_figheight(round(float(figure.get_figheight()) + TOP, 5))
    margin = MARGIN / figure.get_figwidth()
    engine.set(rect=(margin, 0, 1 - 2 * margin, 1 - TOP / figure.get_figheight()))
    engine.execute(figure)
    figure.set_layout_engine("none")  # everything keeps its place, whatever is then drawn larger
    for axes in figure.axes:  # the last digits of the solver differ from call to call, and would make different files
        axes.set_position(Bbox(np.round(axes.get_position(original=True).get_points(), 7)))
    return figure


def plain(axes: Axes, across: str = "", up: str = "") -> Axes:
    """A fine grid, no frame, small labels."""
    axes.tick_params(length=0, which="both", labelsize=6)
    axes.grid(color=style.HAIR, linewidth=0.4)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(across, size=6, labelpad=1)
    axes.set_ylabel(up, size=6, labelpad=1)
    return axes


def picture(axes: Axes, values: Any, **look: Any) -> None:
    """An image without ticks or frame."""
    axes.imshow(values, **look)
    axes.set(xticks=[], yticks=[])


def family_looks(families: Mapping[Any, str | None]) -> dict[Any, dict[str, Any]]:
    """Colour and line of the family of each key; the second of a family is darker, and so on."""
    found, seen = {}, list[str | None]()
    for key, family in families.items():
        look = style.look(family)
        red, green, blue = (channel * SHADE ** seen.count(family) for channel in matplotlib.colors.to_rgb(look.colour))
        seen.append(family)
        found[key] = {"color": matplotlib.colors.to_hex((red, green, blue)), "linestyle": look.line}
    return found


def handles(looks: Mapping[str, Look]) -> list[Artist]:
    """Legend entries: label -> look."""
    return [Line2D([], [], label=short(label, 40), **{"linestyle": "none", **look}) for label, look in looks.items()]


MODULE = re.compile(r"^[\w.]+:(?=[A-Za-z_])")  # mymodule:Median
NAMED = re.compile(r"^[\w-]+: (?=\S+(, w \S+)?$)")  # the name before a label
BOUND = re.compile(r"([\w-]+)\[([^\]]*\blabel=[^\]]*)\]")  # digits28[guidance=2,label=3]
FILED = re.compile(r"[\w-]+\[[^\]]*?\b(?:file|path|weights|picture)=(?:[^,\]]*/)?([^,\]/]+)[^\]]*\]")  # torch[call=blind,file=nets/a.pt]


def short(label: str, letters: int) -> str:
    """A label without the module it is from; where it is too long, cut to ``letters``, with the name of its file in place of its
    options, or the label bound to a prior: digits28[guidance=2,label=3] as "digits28: 3, w 2" or "3, w 2"."""
    label = MODULE.sub("", label)
    for shorter in (lambda text: BOUND.sub(bound, text), lambda text: FILED.sub(r"\1", text), lambda text: NAMED.sub("", text)):
        label = label if len(label) <= letters else shorter(label)
    return label if len(label) <= letters else label[: letters - 1] + "…"


def bound(found: re.Match[str]) -> str:
    options = dict(option.split("=", 1) for option in found[2].split(",") if "=" in option)
    weight = f", w {options['guidance']}" if "guidance" in options else ""
    return f"{found[1]}: {options['label']}{weight}"


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as PNG and PDF and return their paths.

    Raises:
        OSError: the folder cannot be written.
    """
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("png", "pdf")]
    for path in paths:
        with matplotlib.rc_context(style.RC):
            files.write(path, functools.partial(figure.savefig, format=path.suffix[1:], dpi=DPI))
    return paths


def empty(axes: Axes, words: str) -> None:
    """Why a panel has no curve."""
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=style.MUTED, style="italic")
