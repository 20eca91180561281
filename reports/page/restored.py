"""The page about one restored picture: what came out, what was made up, and a sceptic's list, each line with its number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib
import numpy as np
import torch
from torch import Tensor

from reports.figures import style
from reports.figures.residual import residual_spectrum
from reports.judging.sceptic import SHARE, Judged, Ranked, Whiteness, ranking
from reports.page import templates
from reports.page.lines import Line
from reports.page.pictures import data_uri
from reports.page.svg import inline
from reports.runs.loading import picture
from reports.runs.provenance import Circumstances
from solvers.fit import CONDITIONS, condition_of

if TYPE_CHECKING:
    from reports.experiments.restoring import Answer, Restoration

LONGEST = 480  # pixels of a whole picture in the page
DETAIL = 160  # pixels a side of the detail that is shown as it is
PENS = 3.0  # standard deviations of the residual that are shown


class Shown(NamedTuple):
    """A prior's row: what the pictures are, and each whole and as a detail."""

    prior: str
    pictures: Sequence[tuple[str, str, str]]
    heuristic: bool


def build(
    asked: Restoration, answers: Sequence[Answer], judged: Sequence[Judged], share: tuple[float, np.ndarray],
    written: Mapping[str, Sequence[Path]], how: Circumstances, folder: Path,
) -> Path:  # fmt: skip
    """Write ``folder``/report.html, one file that needs no other, and return its path.

    Raises:
        OSError: the folder cannot be written.
    """
    measured = shown_measurement(asked)
    families = {each: getattr(asked.load(each), "family", None) for each in asked.priors}
    residuals = {each.prior: each.residual for each in judged if not np.isnan(each.residual).any()}
    figure = inline(residual_spectrum(residuals, families), "residual", "Power of the residual against frequency") if residuals else None
    ranked = ranking([each.foretold for each in judged])
    return templates.write(
        folder / "report.html",
        "restored.html.j2",
        asked=asked,
        name=asked.picture.path.name,
        size=" × ".join(str(n) for n in reversed(asked.picture.pixels.shape[-2:])),
        measured=(whole(measured), detail(measured, asked.factor)),
        rows=[row(asked, answer) for answer in answers],
        checks={each.prior: checks(asked, each, answer) for each, answer in zip(judged, answers, strict=True)},
        general=general(asked, share[0]),
        ranking=ranked,
        verdict=verdict(ranked),
        held=SHARE,
        figure=figure,
        residuals={each.prior: data_uri(np.clip(0.5 + each.residual[0] / (2 * PENS), 0, 1)) for each in judged},
        share=(share[0], data_uri(coloured(share[1], 1.0))),
        written=written,
        how=how,
    )


def shown_measurement(asked: Restoration) -> Tensor:
    fitted = asked.operator.fitted(asked.picture.pixels.shape[1:])
    return fitted.as_image(fitted.packed(asked.picture.pixels))


def row(asked: Restoration, answer: Answer) -> Shown:
    spread = answer.std.square().mean(1, keepdim=True).sqrt()
    top = max(float(spread.flatten().kthvalue(max(1, int(0.99 * spread.numel()))).values), 1e-6)
    seen = {"the mean of all answers": answer.mean, "one answer of many": answer.samples[0], "another": answer.samples[1]}
    found = [(told, whole(x), detail(x)) for told, x in seen.items()]
    drawn = torch.from_numpy(coloured(picture(spread), top)).movedim(-1, 0)[None]
    differ = (f"how far they differ, 0 to {float(f'{255 * top:.2g}'):g} of 255", whole(drawn), detail(drawn))
    return Shown(answer.prior, [*found, differ], not getattr(asked.load(answer.prior), "mmse", False))


def coloured(values: np.ndarray, top: float) -> np.ndarray:
    """[H, W, 1] in the colours of maps, [H, W, 3]."""
    return np.asarray(matplotlib.colormaps[style.MAP](np.clip(values[..., 0] / top, 0, 1)))[..., :3].astype(np.float32)


def whole(x: Tensor) -> str:
    """The picture, shrunk where it is large."""
    factor = LONGEST / max(x.shape[-2:])
    if factor < 1:
        size = [max(1, round(factor * n)) for n in x.shape[-2:]]
        x = torch.nn.functional.interpolate(x.nan_to_num(0.5), size, mode="bilinear", antialias=True)
    return data_uri(picture(x), exact=False)


def detail(x: Tensor, factor: int = 1) -> str:
    """The middle of the picture as it is."""
    side = DETAIL // factor
    top, left = (max(0, (n - side) // 2) for n in x.shape[-2:])
    return data_uri(picture(x[..., top : top + side, left : left + side]))


def general(asked: Restoration, share: float) -> list[Line]:
    """What does not depend on the prior."""
    noise, jpeg = asked.noise, asked.picture.quantisation
    source = "given" if asked.given else f"estimated from the picture{f', JPEG rounding of {jpeg:.2g} among it' if jpeg else ''}"
    return [
        Line("How much noise?", str(noise) if noise.error else f"{noise.sigma:.3g} ({255 * noise.sigma:.3g} of 255)", None,
             f"Standard deviation, {source}. All that follows takes it for white and Gaussian, and the pixel values for proportional "
             "to light: 8-bit rounding, JPEG and a display's gamma are none of this."),
        Line("How much of the detail was measured?", f"{share:.0%}", None,
             f"Of the degrees of freedom in the middle of the picture. The other {1 - share:.0%} any method has to make up or leave out."),
    ]  # fmt: skip


def checks(asked: Restoration, judged: Judged, answer: Answer) -> list[Line]:
    """A sceptic's questions about a prior's answers."""
    w, back, seen = judged.whiteness, judged.back, judged.foretold
    condition = CONDITIONS.get(condition_of(asked.load(judged.prior)), "")
    covered, told = abs(seen.covered - seen.nominal) < 0.06, abs(back["coverage"] - back["nominal"]) < 0.06
    lines = [
        Line("Do the answers explain the data?", f"misfit {w.misfit:.2f}", w.explained, explained(w, condition)),
        Line("Is what is left of the data noise?", f"correlation {w.correlation:+.2f}", w.white, coloured_words(w)),
        Line("Does it foretell data that it has not seen?", f"{seen.covered:.0%} of {seen.nominal:.0%}", covered,
             "Share of the values held back that lie in the intervals it gave them. Far from that, the picture is not of the kind "
             f"this prior expects{f', {condition} is wrong' if condition else ''}, or the instrument is not the one named."),
        Line("Is the spread right, if its own answers were true?", f"{back['coverage']:.0%} of {back['nominal']:.0%}", told,
             f"One answer was measured and sampled again; spread over error {back['ratio']:.2f}. This tests the sampler, not the prior."),
        Line("What was it trained on?", trained(asked, judged.prior), None,
             "A learned prior knows pictures of this kind, and makes up detail of this kind."),
    ]  # fmt: skip
    return lines + [Line("Doubts", "", False, warning) for warning in answer.warnings]


def explained(w: Whiteness, condition: str = "") -> str:
    """The misfit in words; ``condition`` is what was bound to the prior, in words, if anything was."""
    if w.misfit >= 1.25:
        bound = f" {condition}," if condition else ""
        return f"Far more is left than noise:{bound} the kernel, the mask or the noise level is wrong, or the noise is not Gaussian."
    if w.misfit <= 0.75:
        return "Less is left than noise should leave: the level is too high."
    return "Squared residual over that of the noise; 1 is right."


def coloured_words(w: Whiteness) -> str:
    if w.white:
        return (f"Of neighbouring residuals, the largest; chance alone gives up to {w.chance:.2f}. "
                "A kernel that is too narrow leaves no trace here: its answer is only blurrier.")  # fmt: skip
    way = f"{w.lag[0]} down and {abs(w.lag[1])} across"
    return f"Neighbouring residuals are alike, {way}: a wrong kernel, JPEG, or noise that is not white."


def trained(asked: Restoration, prior: str) -> str:
    card = getattr(asked.load(prior), "card", None) or {}
    data: Any = card.get("data")
    return f"{counted(data):,} pictures: {', '.join(data)}" if isinstance(data, dict) else "nothing"


def counted(data: Mapping[str, Any]) -> int:
    """Pictures of a card's data, by source, and within it by class where they have classes."""
    return sum(counted(n) if isinstance(n, Mapping) else n if isinstance(n, int) else 0 for n in data.values())


def verdict(found: Sequence[Ranked]) -> str:
    """Which prior foretells the data best, or that the data cannot tell."""
    if len(found) == 1:
        return "There is one prior only: nothing to rank."
    alike = [each.prior for each in found if not each.apart]
    if len(alike) == len(found):
        return "The data cannot tell these priors apart: each foretells what was held back equally well."
    if len(alike) == 1:
        return f"{found[0].prior} foretells the data that were held back best."
    first = " and ".join([", ".join(alike[:-1]), alike[-1]])
    return f"{first} foretell the data that were held back best, and the data cannot tell them apart."
