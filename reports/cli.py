"""The command line. Heavy imports stand inside the commands, so that --help answers at once."""

from __future__ import annotations

import contextlib
import itertools
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from priors.training import Progress
    from reports.comparison import Comparison

PRIORS = ("gaussian", "tv", "bm3d", "cnn", "diffusion")
PROBLEMS = ("deblur", "super_resolution", "inpaint")
METHODS = ("hqs", "annealed")
SPECTRUM = ("gaussian", "tv", "nlm", "bm3d", "cnn", "diffusion")
BELIEVED = ("gaussian", "tv", "bm3d", "diffusion")
FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script: every complaint is one line on stderr, and bad input ends with exit code 2.

    Modules in the folder one stands in can be named as priors, as with ``python -m``; a script's path would leave it out.
    """
    try:
        here = str(Path.cwd())
    except FileNotFoundError:
        leave("the folder you stand in was removed; change to one that is there", BAD_INPUT)
    if not {"", here} & set(sys.path):
        sys.path.append(here)
    try:
        given = list(sys.argv[1:] if arguments is None else arguments)
        cli(args=given, prog_name="priorbench", standalone_mode=False, obj=tuple(given))
    except click.ClickException as error:
        leave(f"{error.format_message()} Try priorbench --help.", BAD_INPUT)
    except click.Abort:
        leave("interrupted", INTERRUPTED)


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


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """What was measured and what was conjured: every prior in one slot, every method one loop, one report."""


def names(*flags: str, default: Sequence[str] = (), shown: str = "", text: str) -> Any:
    return click.option(*flags, multiple=True, default=default, show_default=shown or ",".join(default), help=text)


@cli.command()
@names("--priors", "-p", default=PRIORS, text="Priors: name[option=value] or module:callable; by commas or repeated.")
@names("--problems", "-P", default=PROBLEMS, text="Problems, such as deblur[kernel=motion:15:30].")
@names("--images", "-i", shown="the first two test images", text="Bundled images by name, own ones by path.")
@names("--methods", "-m", default=METHODS, text="Methods, such as annealed[steps=40]; priorbench list shows them.")
@click.option("--samples", "-n", default=5, show_default=True, help="Answers drawn by each method that samples.")
@click.option("--steps", type=int, show_default="each method's own", help="Levels of every method.")
@click.option("--size", default=128, show_default=True, help="Images are size x size pixels.")
@click.option("--channels", default=1, show_default=True, help="1 for grey, 3 for colour.")
@click.option("--noise", type=float, show_default="each problem's own", help="noise_sigma of the measurements, pixels in [0, 1].")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the measurements' noise and of the samples.")
@click.option("--out", "-o", default="out/compare", show_default=True, help="Folder of the run; finished cells in it are kept.")
@click.option("--strengths", "file", show_default="the shipped ones", help="File of tuned strengths.")
@click.option("--lpips", show_default="not measured", help="File of LPIPS weights (AlexNet, state dict); none are shipped.")
def compare(
    priors: Sequence[str], problems: Sequence[str], images: Sequence[str], methods: Sequence[str], samples: int, steps: int | None,
    size: int, channels: int, noise: float | None, seed: int, out: str, file: str | None, lpips: str | None,
) -> None:  # fmt: skip
    """Run priors x problems x images x methods and write the report."""
    from problems import TEST
    from reports import comparison, terminal
    from reports.selectors import split
    from reports.tuning import Strengths

    with input_checked():
        strengths = Strengths.load(file) if file else Strengths.shipped()
        chosen = pictures(images) or list(TEST[:2])
        cells = comparison.plan(
            split(priors), split(problems), chosen, split(methods), samples, steps, size, channels, noise, seed, strengths, lpips
        )  # fmt: skip
        comparison.prepare(cells, out)
    console = terminal.console()
    terminal.notices(console, cells)
    with resumable(f"every finished cell in {out}"), terminal.Progress(console, cells) as progress:
        finished = comparison.compare(cells, out, command(), strengths, progress.tell)
    draw(finished)
    failed = [row for row in finished.rows if row.status == "failed"]
    for row in failed:
        click.echo(f"priorbench: failed: {row.cell}: {row.message}", err=True)
    sys.exit(FAILED if failed else 0)


def pictures(images: Sequence[str]) -> list[str]:
    """Names and paths; a comma parts them unless it belongs to the name of a file."""
    from reports.selectors import split

    return list(dict.fromkeys(part for text in images for part in ([text] if Path(text).exists() else split([text]))))


def command() -> str:
    """The command as it was given, for the provenance."""
    return shlex.join(["priorbench", *click.get_current_context().obj])


def draw(finished: Comparison) -> None:
    from reports import page, terminal
    from reports.figures import catalogue

    console = terminal.console()
    terminal.scores(console, finished)
    console.print("drawing figures and page ...")
    catalogue.save_all(finished)
    console.print(f"report: {page.build(finished)}", soft_wrap=True)


@cli.command()
@click.argument("run")
def report(run: str) -> None:
    """Draw the report and figures of the finished cells in the folder RUN; nothing is solved."""
    from reports.comparison import Comparison, export

    with input_checked():
        stored = Comparison.load(run)
        export(stored)
    draw(stored)


@cli.command(name="list")
def list_all() -> None:
    """Show the priors, problems, methods and images there are."""
    from reports import terminal

    terminal.catalogues(terminal.console())


@cli.command()
@names("--priors", "-p", default=PRIORS, text="Priors to tune.")
@names("--problems", "-P", default=PROBLEMS, text="Problems by name, at their default options.")
@names("--methods", "-m", default=("hqs",), text="Methods that estimate.")
@click.option("--size", default=128, show_default=True, help="Images are size x size pixels.")
@click.option("--channels", default=1, show_default=True, help="1 for grey, 3 for colour.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the measurements' noise.")
@click.option("--out", "-o", show_default="the shipped file", help="File for the strengths; other entries in it stay.")
def tune(
    priors: Sequence[str], problems: Sequence[str], methods: Sequence[str], size: int, channels: int, seed: int, out: str | None
) -> None:
    """Search the strength of every prior with the same effort, on the tuning images only."""
    from reports import terminal, tuning
    from reports.selectors import split

    file = Path(out) if out else tuning.SHIPPED
    with input_checked():
        cells = tuning.plan(split(priors), split(problems), split(methods), size, channels, seed)
        tuning.prepare(cells, file)
    console = terminal.console()
    with resumable(f"every tuned strength in {file}"):
        tuning.tune(cells, file, lambda what, strength, psnr: console.print(f"{what}: strength {strength:.3g}, {psnr:.2f} dB"))
    console.print(f"strengths: {file}", soft_wrap=True)


@cli.command(name="denoise-table")
@click.option("--images", "-i", "folder", show_default="the bundled test images", help="Folder of pictures.")
@names("--priors", "-p", default=SPECTRUM, text="Priors: name[option=value] or module:callable; by commas or repeated.")
@click.option("--sigmas", default="5,10,15,25,50,75", show_default=True, help="Noise levels in /255, by commas.")
@click.option("--channels", default=1, show_default=True, help="1 for grey, 3 for colour.")
@click.option("--size", type=int, show_default="whole; bundled ones 128", help="Pixels on a side: centre crop; bundled ones are shrunk.")
@click.option("--limit", type=int, show_default="all", help="Only the first pictures, in the order of their names.")
@click.option("--anchors", show_default="none", help="Published values to show: set12 or bsd68, if the folder is that set.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the noise.")
@click.option("--out", "-o", default="out/denoise-table", show_default=True, help="Folder of the table; scores in it are kept.")
def denoise_table(
    folder: str | None, priors: Sequence[str], sigmas: str, channels: int, size: int | None, limit: int | None, anchors: str | None,
    seed: int, out: str,
) -> None:  # fmt: skip
    """Denoise once with every prior: PSNR, SSIM and seconds by noise level, as tables and a figure."""
    from reports import denoising, denoising_table, terminal
    from reports.figures import denoising_figure
    from reports.selectors import split

    with input_checked():
        scene = denoising.scene(folder, size, channels, limit, seed, anchors)
        levels = denoising.plan(split(priors), numbers(sigmas), scene)
        denoising.prepare(levels, out)
    console = terminal.console()
    terminal.notices(console, levels)
    for sentence in denoising.out_of_range(levels):
        console.print(sentence, soft_wrap=True)
    with resumable(f"every score in {out}"), terminal.Progress(console, [level for level in levels if level.in_range]) as progress:
        table = denoising.measure(levels, out, command(), progress.tell)
        denoising_table.export(table)
    terminal.denoising(console, table)
    with resumable(f"every score in {out}"):
        paths = denoising_figure.save(table)
    console.print(f"table: {out}/denoise-table.md, .csv, .json", f"figure: {paths[0]}, .pdf", sep="\n", soft_wrap=True)
    failed = [row for row in table.rows if row.status == "failed"]
    for row in failed:
        click.echo(f"priorbench: failed: {row.level}: {row.message}", err=True)
    sys.exit(FAILED if failed else 0)


@cli.command()
@names("--priors", "-p", default=BELIEVED, text="Priors: name[option=value] or module:callable; by commas or repeated.")
@names("--methods", "-m", default=("heun",), text="Unconditional samplers: ddpm, ddim, heun, dpm++.")
@click.option("--size", default=64, show_default=True, help="Samples are size x size pixels.")
@click.option("--channels", default=1, show_default=True, help="1 for grey, 3 for colour.")
@click.option("--samples", "-n", default=6, show_default=True, help="Samples of each prior by each method.")
@click.option("--steps", type=int, show_default="each method's own", help="Noise levels.")
@click.option("--images", "-i", "folder", show_default="what the gaussian prior was fitted to", help="Photographs to compare with.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the noise; the same for every prior.")
@click.option("--out", "-o", default="out/sample", show_default=True, help="Folder of the figure; RUN/beliefs: in that run's report.")
def sample(
    priors: Sequence[str], methods: Sequence[str], size: int, channels: int, samples: int, steps: int | None, folder: str | None,
    seed: int, out: str,
) -> None:  # fmt: skip
    """Draw what each prior believes an image looks like: nothing is measured.

    What lies in the folder beliefs of a run stands in its report: priorbench sample -o RUN/beliefs, then priorbench report RUN.
    """
    from reports import belief, terminal
    from reports.figures import belief_figure
    from reports.selectors import split
    from reports.store import Store

    with input_checked():
        plan = belief.checked(belief.Plan(tuple(split(priors)), tuple(split(methods)), size, channels, samples, steps, seed))
        real = belief.photographs(Path(folder) if folder else None, size, channels)
        Store(out).prepare()
    console = terminal.console()
    drawn = list(belief.draw(plan, lambda what: console.print(what, soft_wrap=True)))
    if not drawn:
        leave("every prior diverged; give more steps", FAILED)
    terminal.beliefs(console, belief.rows(drawn, real))
    with finishing(out):
        source = f"photographs of {Path(folder).name}" if folder else "law fitted to photographs"
        belief.save(drawn, real, source, Path(out))
        paths = belief_figure.save(drawn, real, source, Path(out))
    console.print(f"figure: {paths[0]}, .pdf, numbers: {out}/sample.json", soft_wrap=True)


def numbers(text: str) -> list[float]:
    """Numbers parted by commas."""
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ValueError(f"cannot read the numbers {text!r}; write them by commas, such as 15,25,50") from None


def whole(text: str) -> list[int]:
    """Whole numbers parted by commas, each once."""
    found = numbers(text)
    if not all(number.is_integer() for number in found):
        raise ValueError(f"calls are whole numbers, such as 10,20,50, not {text!r}")
    return list(dict.fromkeys(int(number) for number in found))


@cli.command()
@names("--methods", "-m", shown="all that sample", text="Methods that sample; by commas or repeated.")
@click.option("--budgets", default="10,20,50,100,200", show_default=True, help="Denoiser calls for each sample, by commas.")
@click.option("--samples", "-n", default=39, show_default=True, help="Answers drawn to each measurement.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the truths, the noise and the samples.")
@click.option("--out", "-o", default="out/prove", show_default=True, help="Folder of the page, the tables and the figure.")
def prove(methods: Sequence[str], budgets: str, samples: int, seed: int, out: str) -> None:
    """Hold the samplers against posteriors that are known exactly: page, tables and figure."""
    from reports import proof, proof_table, terminal
    from reports.figures import proof_figure
    from reports.page import proof_page
    from reports.selectors import split
    from reports.store import Store

    with input_checked():
        chosen, calls = split(methods) or proof.samplers(), whole(budgets)
        proof.check(chosen, calls, samples)
        Store(out).prepare()
    console = terminal.console()
    with finishing(out):
        rows = []
        for row in proof.prove(chosen, calls, samples, seed, proof.CASES):
            rows.append(row)
            terminal.proven(console, row, len(rows), len(proof.CASES) * (1 + len(chosen) * len(calls)))
        made = proof_table.Proof(tuple(rows), tuple(proof.gradient_fields()), samples, command())
        proof_table.export(made, Path(out))
        paths = proof_figure.save(made, Path(out))
        page = proof_page.build(made, Path(out))
    terminal.proof(console, made)
    console.print(f"table: {out}/proof.md, .csv, .json", f"figure: {paths[0]}, .pdf", f"page: {page}", sep="\n", soft_wrap=True)


@cli.command()
@click.argument("run")
@click.option("--simulate-back", is_flag=True, help="Also take one sample of each as the truth, measure it and sample again.")
def trust(run: str, simulate_back: bool) -> None:
    """Judge the samples of the finished cells in the folder RUN: is their spread right, and what was measured at all?"""
    from reports import terminal, trust_table
    from reports import trust as judging
    from reports.comparison import Comparison
    from reports.figures import trust_figure

    with input_checked():
        found = judging.judge(Comparison.load(run))
    console = terminal.console()
    with finishing(run):
        if simulate_back:
            found = judging.with_simulated_back(found, lambda cell: console.print(f"simulating back: {cell}", soft_wrap=True))
        trust_table.export(found, command())
        paths = trust_figure.save(found)
    terminal.trust(console, found)
    console.print(f"table: {run}/trust.md, .csv, .json", f"figures: {paths[0]}, {paths[2]}, .pdf", sep="\n", soft_wrap=True)


@contextlib.contextmanager
def finishing(out: str) -> Iterator[None]:
    """Around what is written at its end, whole or not at all."""
    try:
        yield
    except KeyboardInterrupt:
        leave(f"interrupted; nothing was written to {out}", INTERRUPTED)
    except OSError as error:
        leave(f"stopped: {error}", FAILED)


@cli.command()
@click.argument("name", type=click.Choice(["cnn", "diffusion"]), default="cnn")
@click.option("--images", "-i", "folders", multiple=True, required=True, help="Folder of photographs; may be repeated.")
@click.option("--channels", type=click.Choice(["1", "3"]), default="1", show_default=True, help="1 for grey, 3 for colour.")
@click.option("--sigma-min", type=float, show_default="the recipe's", help="Lowest noise level, pixels in [0, 1].")
@click.option("--sigma-max", type=float, show_default="the recipe's", help="Highest noise level.")
@click.option("--budget", default=75.0, show_default=True, help="Processor minutes of all cores together (GPU: minutes).")
@click.option("--steps", type=int, show_default="no limit", help="Optimiser steps; whichever budget is nearest its end counts.")
@click.option("--wall", type=float, show_default="none", help="Minutes by the clock; the rate lands with whatever ends first.")
@click.option("--rate", type=float, show_default="the recipe's", help="Highest learning rate; a third of the recipe's for fine-tuning.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the first weights, crops and noise.")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda; crops are cut there.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint beside the weights.")
@click.option("--start", "starts", multiple=True, show_default="random", help="Weights (.safetensors) to fine-tune; of several the mean.")
@click.option("--licence", default="unknown: ask whoever trained these weights", help="Of the photographs, for the model card.")
@click.option("--tests", "-t", multiple=True, help="Folder of test pictures whose PSNR goes on the card.")
@click.option("--smoke", is_flag=True, help="Gate the recipe instead: 800 steps must reach its floor on --tests SET12.")
@click.option("--out", "-o", show_default="out/train/NAME.safetensors", help="Weights; card and checkpoint lie beside them.")
def train(
    name: str, folders: Sequence[str], channels: str, sigma_min: float | None, sigma_max: float | None, budget: float, steps: int | None,
    wall: float | None, rate: float | None, seed: int, device: str, resume: bool, starts: Sequence[str], licence: str,
    tests: Sequence[str], smoke: bool, out: str | None,
) -> None:  # fmt: skip
    """Train the network behind the prior NAME on your own photographs; stop and go on at will."""
    from priors import recipe, training

    weights = Path(out or f"out/train/{name}.safetensors")
    photographs, pictures = [Path(f) for f in folders], [Path(t) for t in tests]
    if smoke:
        return gate(photographs, pictures, weights.with_name("smoke.pt"), device)
    given = {"sigma_min": sigma_min, "sigma_max": sigma_max, "wall_seconds": wall and 60 * wall, "steps": steps, "rate": rate}
    settings = {key: value for key, value in given.items() if value is not None}
    with input_checked():
        chosen = recipe.adapted(name, channels=int(channels), core_seconds=60 * budget, seed=seed, **settings)
        run = training.train(photographs, weights, chosen, device, resume, [Path(s) for s in starts], licence, pictures)
        first = next(run)
    done = follow(itertools.chain([first], run)).share >= 1
    click.echo(f"weights: {weights}" if done else f"stopped; go on with the same command and --resume ({weights.with_suffix('.pt')})")


def follow(run: Iterator[Progress]) -> Progress:
    """Tell how a training goes; returns its end."""
    for told in run:
        scores = ", ".join(f"{psnr:.2f} dB at {sigma}/255" for sigma, psnr in told.psnr.items())
        left = f", about {told.seconds_left / 60:.0f} min left" if told.seconds_left else ""
        click.echo(f"{told.share:4.0%}  {told.spent.steps} steps, held-back pictures {scores}{left}")
    return told


def gate(photographs: Sequence[Path], pictures: Sequence[Path], checkpoint: Path, device: str) -> None:
    """The smoke test of the recipe: exit code 1 where it misses its floor."""
    from priors import smoke

    with input_checked():
        if len(pictures) != 1:
            raise ValueError("--smoke measures on Set12; give its folder, and no other, as --tests")
        run, score = smoke.begin(photographs, pictures[0], checkpoint, device)
        first = next(run)
    spent = follow(itertools.chain([first], run)).spent
    click.echo(f"{spent.steps} steps in {spent.core_seconds:.0f} core-seconds")
    reached = score()
    short = smoke.missed(reached)
    for sigma, psnr in reached.items():
        click.echo(f"four of Set12 at {sigma}/255: {psnr:.2f} dB, floor {smoke.FLOOR[sigma]:.1f} dB{', MISSED' if sigma in short else ''}")
    sys.exit(FAILED if short else 0)


@cli.command()
@click.argument("run")
@click.argument("name")
@click.option("--width", default="ieee2", show_default=True, help="ieee1, ieee2, cvpr1, cvpr2, neurips, slide, or a number of mm.")
@click.option("--format", "kind", type=click.Choice(["pdf", "svg", "png"]), show_default="that of --out, or pdf", help="Of the file.")
@click.option("--problem", "-P", show_default="the first", help="Problem of the run, as its report names it.")
@click.option("--out", "-o", show_default="RUN/figures/NAME_WIDTH.FORMAT", help="File.")
def figure(run: str, name: str, width: str, kind: str | None, problem: str | None, out: str | None) -> None:
    """Draw the figure NAME of the finished cells in the folder RUN for a paper or a slide; nothing is solved.

    Names: spectrum, grid, uncertainty, trust, measured, plane, effort, bands, convergence, tuning, beliefs.
    """
    from reports.comparison import Comparison
    from reports.figures import paper

    suffix = Path(out or "").suffix[1:]
    form = kind or (suffix if suffix in paper.FORMATS else "pdf")
    with input_checked():
        stored = Comparison.load(run)
        drawn = paper.figure(stored, name, problem, width)
        about = problem or paper.problem_of(stored, name)
        path = Path(out) if out else paper.file_of(stored, name, about, width, form)
        paper.save(drawn, path, form)
    others = [each for each in stored.problems if about and each != about]
    click.echo(f"caption: {drawn.get_label()}")
    click.echo(f"figure: {path}" + (f" (of {about}; --problem gives {' or '.join(others)})" if others and not problem else ""))


@cli.command()
@click.argument("run")
@click.option("--format", "kind", type=click.Choice(["latex", "markdown", "csv", "html"]), default="latex", show_default=True, help="Form.")
@click.option("--metric", "metrics", multiple=True, show_default="PSNR, a perceptual score, of samples coverage too", help="By commas.")
@click.option("--out", "-o", show_default="the terminal", help="File.")
def table(run: str, kind: str, metrics: Sequence[str], out: str | None) -> None:
    """Print the scores of the finished cells in the folder RUN for a paper: mean and 95 % interval over images; nothing is solved."""
    from reports import table as tables
    from reports import table_forms
    from reports.comparison import Comparison
    from reports.figures import paper
    from reports.selectors import split

    with input_checked():
        text = table_forms.FORMS[kind](tables.table(Comparison.load(run), split(metrics)))
        if out:
            paper.write(Path(out), lambda file: file.write(text.encode()))
    click.echo(f"table: {out}" if out else text, nl=bool(out))
