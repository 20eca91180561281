"""The settings of the user's own matplotlib change no figure of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HOSTILE = """
text.usetex: True
savefig.bbox: tight
savefig.transparent: True
savefig.dpi: 37
savefig.facecolor: red
figure.autolayout: True
figure.facecolor: red
axes.facecolor: yellow
axes.prop_cycle: cycler('color', ['r', 'g'])
axes.grid: True
font.size: 23
font.family: serif
lines.linewidth: 9
image.cmap: jet
image.interpolation: bicubic
legend.fontsize: 30
"""
DRAW = """
import sys
from pathlib import Path
from reports.figures import catalogue, paper
from tests.made_up import comparison
run = comparison(Path(sys.argv[1]), problems=("inpaint",))
catalogue.save_all(run)
for name in ("spectrum", "plane", "effort"):
    paper.save(paper.figure(run, name), run.folder / f"{name}.png", "png")
"""


def drawn(folder: Path, settings: str) -> dict[str, bytes]:
    folder.mkdir()
    (folder / "matplotlibrc").write_text(settings)
    environment = {**os.environ, "MATPLOTLIBRC": str(folder / "matplotlibrc"), "MPLBACKEND": "agg"}
    subprocess.run([sys.executable, "-c", DRAW, str(folder)], cwd=ROOT, env=environment, check=True)
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.png"))}


@pytest.mark.slow
def test_a_matplotlibrc_of_the_user_changes_no_figure(tmp_path: Path) -> None:
    plain, hostile = drawn(tmp_path / "plain", ""), drawn(tmp_path / "hostile", HOSTILE)
    assert len(plain) == 6
    assert plain == hostile
