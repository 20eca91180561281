"""The slot's contract, on the side of the answer: what a solver relies on, whatever prior it is given."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import priors
import problems
import solvers
from priors import slot
from solvers.methods import METHODS
from solvers.unconditional import GENERATORS

GAUSSIAN = priors.load("gaussian")
SAMPLERS = [name for name, method in METHODS.items() if method.samples]


@pytest.fixture(scope="module")
def problem() -> problems.Problem:
    return problems.inpaint(problems.load_image("camera", size=16), rng=0)


@pytest.fixture(autouse=True)
def few_steps(monkeypatch) -> None:
    monkeypatch.setitem(solvers.sample.__globals__, "check_fit", lambda *_: None)  # three levels are too few to fit the data


class Foreign:
    """A prior of a user: whatever ``answer`` makes of the image and of what the Gaussian prior makes of it."""

    mmse = True

    def __init__(self, answer: Callable[[Tensor, Tensor], object]):
        self.answer = answer

    def denoise(self, x: Tensor, sigma: float) -> object:
        return self.answer(x, GAUSSIAN.denoise(x, sigma))


def answered(prior: object, problem: problems.Problem, method: str) -> Tensor:
    if method in GENERATORS:
        return solvers.generate(prior, problem.operator.image_shape, n=2, rng=0, method=method, levels=[1.0, 0.3, 0.1]).samples
    if method in SAMPLERS:
        return solvers.sample(problem, prior, n=2, rng=0, method=method, steps=3).samples
    return solvers.solve(problem, prior, method, steps=3).x


def written(x: Tensor, found: Tensor) -> Tensor:
    """As a user's function that works in place: the image it was given is no more."""
    found = found.clone()
    with torch.no_grad():
        x.fill_(7.0)
    return found


class InPlace:
    """Its answer is its input, denoised in place, where gradients can be followed too."""

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        kept = 0.1 / (0.1 + sigma**2)
        x *= kept
        x += 0.5 * (1 - kept)
        return x


class Pure:
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        kept = 0.1 / (0.1 + sigma**2)
        return x * kept + 0.5 * (1 - kept)


class Buffered:
    """Every answer lies in the same memory: the one before is overwritten."""

    def __init__(self) -> None:
        self.memory: Tensor | None = None

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        found = GAUSSIAN.denoise(x, sigma)
        if x.requires_grad:
            return found
        self.memory = torch.empty_like(x) if self.memory is None or self.memory.shape != x.shape else self.memory
        return self.memory.copy_(found)


@pytest.mark.parametrize("method", [*METHODS, *GENERATORS])
def test_a_prior_that_writes_into_its_input_or_its_answers_changes_no_result(method: str, problem) -> None:
    pure = answered(Foreign(lambda x, found: found), problem, method)
    assert torch.equal(answered(Foreign(written), problem, method), pure)
    assert torch.equal(answered(Buffered(), problem, method), pure)
    assert torch.equal(answered(InPlace(), problem, method), answered(Pure(), problem, method))


class Believer:
    """Its belief is one about the input it has overwritten."""

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return self.belief(x, sigma).mean

    def belief(self, x: Tensor, sigma: float) -> priors.Belief:
        found = GAUSSIAN.belief(x, sigma)
        x.zero_()
        return found


@pytest.mark.parametrize("method", ["annealed", "split-gibbs"])
def test_the_same_of_a_belief(method: str, problem) -> None:
    assert torch.equal(answered(Believer(), problem, method), answered(GAUSSIAN, problem, method))


WRONG = {
    "nothing": (lambda x, found: None, TypeError, "answers with None, .*return"),
    "numpy": (lambda x, found: found.detach().numpy(), TypeError, "answers with ndarray"),
    "a list": (lambda x, found: found.tolist(), TypeError, "answers with list"),
    "squeezed": (lambda x, found: found.squeeze(1), ValueError, "answers with shape"),
    "no batch axis": (lambda x, found: found[0], ValueError, "batch and channel axes kept"),
    "first of the batch": (lambda x, found: torch.cat([found, found])[: len(x) // 2], ValueError, "one image for each"),
    "more channels": (lambda x, found: found.repeat(1, 3, 1, 1), ValueError, r"answers with shape \[\d, 3"),
    "smaller": (lambda x, found: found[..., 1:, 1:], ValueError, "answers with shape"),
    "a number": (lambda x, found: found.mean(), ValueError, r"answers with shape \[\]"),
    "double": (lambda x, found: found.double(), TypeError, r"return a dense answer.to\(x.dtype\)"),
    "half": (lambda x, found: found.half(), TypeError, r"return a dense answer.to\(x.dtype\)"),
    "bytes": (lambda x, found: (255 * found.clamp(0, 1)).byte(), TypeError, "answers in torch.uint8"),
    "complex": (lambda x, found: found.to(torch.complex64), TypeError, "answers in torch.complex64"),
    "sparse": (lambda x, found: found.to_sparse(), TypeError, "answers in torch.sparse_coo"),
    "elsewhere": (lambda x, found: found.to("meta"), ValueError, r"answers on meta .* return answer.to\(x.device\)"),
    "nan": (lambda x, found: found * math.nan, ValueError, "NaN or infinite values at sigma"),
    "one infinite pixel": (lambda x, found: found.index_fill(3, torch.tensor([0]), math.inf), ValueError, "NaN or infinite"),
}


@pytest.mark.parametrize("method", ["hqs", "annealed", "heun", "dps"])
@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_answer_gets_one_sentence_with_the_name_and_the_remedy(what: str, method: str, problem) -> None:
    answer, kind, sentence = WRONG[what]
    with pytest.raises(kind, match=sentence) as caught:
        answered(Foreign(answer), problem, method)
    assert "prior 'Foreign'" in str(caught.value)
    assert "\n" not in str(caught.value)


VALUES = st.sampled_from([0.0, 0.5, -1e3, 1e30, math.nan, math.inf, -math.inf])
SHAPES = st.one_of(st.just([2, 1, 8, 8]), st.lists(st.sampled_from([1, 2, 3, 8]), max_size=5))
DTYPES = st.sampled_from([torch.float32, torch.float32, torch.float64, torch.float16, torch.int64, torch.bool, torch.complex64])
TENSORS = st.builds(lambda shape, value, dtype: torch.full(shape, value).to(dtype), SHAPES, VALUES, DTYPES)
ANSWERS = st.one_of(TENSORS, st.none(), st.text(max_size=3), st.floats(), st.booleans(), TENSORS.map(lambda t: t.numpy()))


def outcome(call: Callable[[], object]) -> object:
    """What a call returns, or what it says where it refuses."""
    try:
        return call()
    except (TypeError, ValueError, solvers.Diverged) as error:
        return str(error)


@settings(deadline=None, max_examples=300)
@given(ANSWERS)
def test_any_answer_is_right_or_named(answer: object) -> None:
    x = torch.full((2, 1, 8, 8), 0.5)
    found = outcome(lambda: slot.checked(Foreign(lambda *_: answer)).denoise(x, 0.1))
    if isinstance(found, str):
        assert found.startswith("prior 'Foreign' answers")
        assert ";" in found
    else:
        assert (found.shape, found.dtype, found.device) == (x.shape, x.dtype, x.device)
        assert bool(found.isfinite().all())
        assert found.data_ptr() != answer.data_ptr()


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["hqs", "admm", "annealed", "ddim"]), ANSWERS)
def test_any_prior_gives_a_finite_result_or_one_sentence(method: str, answer: object) -> None:
    measured = problems.denoise(torch.full((1, 1, 8, 8), 0.4), rng=0)
    prior = Foreign(lambda *_: answer)
    found = outcome(lambda: answered(prior, measured, method))
    assert "'Foreign'" in found if isinstance(found, str) else bool(found.isfinite().all())


PARTS = st.one_of(st.none(), TENSORS, st.floats(), st.text(max_size=2))


@settings(deadline=None, max_examples=200)
@given(st.one_of(TENSORS, st.just(torch.full((2, 1, 8, 8), 0.5))), PARTS, PARTS, PARTS)
def test_any_belief_is_right_or_named(mean: Tensor, pixel: object, spectrum: object, rmse: object) -> None:
    class Odd:
        def denoise(self, x: Tensor, sigma: float) -> Tensor:
            return mean

        def belief(self, x: Tensor, sigma: float) -> priors.Belief:
            return priors.Belief(mean, pixel, spectrum, rmse)

    found = outcome(lambda: slot.checked(Odd()).belief(torch.full((2, 1, 8, 8), 0.5), 0.1))
    if isinstance(found, str):
        assert found.startswith("prior 'Odd' ")
    else:
        assert found.rmse is None or 0 <= found.rmse < math.inf
        assert all(each is None or float(each.min()) > 0 for each in (found.pixel, found.spectrum))


def test_a_belief_of_another_kind_is_named(problem) -> None:
    class Tuple(Pure):
        def belief(self, x: Tensor, sigma: float) -> tuple[Tensor, float]:
            return x, sigma

    with pytest.raises(TypeError, match=r"prior 'Tuple' answers belief with tuple; return priors.Belief"):
        solvers.sample(problem, Tuple(), n=1, rng=0)


def test_an_error_known_by_pixel_alone_counts_as_independent_between_pixels(problem) -> None:
    class White(Pure):
        def __init__(self, *spectrum: Tensor):
            self.spectrum = spectrum

        def belief(self, x: Tensor, sigma: float) -> priors.Belief:
            return priors.Belief(self.denoise(x, sigma), torch.full_like(x, sigma / 2), *self.spectrum)

    alone, told = (solvers.sample(problem, prior, n=1, rng=0, steps=2) for prior in (White(), White(torch.ones(1, 16, 9))))
    assert torch.equal(alone.samples, told.samples)


class Growing:
    """Runs away, and answers with NaN once its input is no image any more."""

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return torch.where(x.abs() > 1e6, math.nan, 1e4 * x)


@pytest.mark.parametrize("method", ["admm", "split-gibbs", "ddim", "heun"])
def test_a_nan_made_of_what_is_no_image_any_more_is_divergence(method: str, problem) -> None:
    with pytest.raises(solvers.Diverged, match="prior 'Growing' diverged"):
        answered(Growing(), problem, method)


def test_the_result_holds_the_prior_that_was_given(problem) -> None:
    prior = Foreign(lambda x, found: found)
    assert solvers.solve(problem, prior, steps=2).prior is prior
    assert solvers.sample(problem, prior, n=1, rng=0, steps=2).prior is prior
    assert solvers.generate(prior, (1, 8, 8), n=1, rng=0, levels=[0.1]).prior is prior
    assert slot.checked(slot.checked(prior)).prior is prior


def member(**members: object) -> object:
    return type("Odd", (Pure,), members)()


@pytest.mark.parametrize("bounds", ["0.1", (0.1,), (0.5, 0.1), (0.1, "x"), (math.nan, 1.0), (-1, 1), None, 3])
def test_a_range_that_is_none_is_named(bounds: object, problem) -> None:
    with pytest.raises(ValueError, match=r"prior 'Odd' has sigma_range .*make it two numbers"):
        solvers.solve(problem, member(sigma_range=bounds))


def test_members_of_another_meaning_are_named(problem) -> None:
    with pytest.raises(TypeError, match="prior 'Odd' has a member mean that is no grey value"):
        solvers.generate(member(mean=lambda self: 0.5), (1, 8, 8), n=1, rng=0)
    with pytest.raises(TypeError, match=r"prior 'Odd' has denoise\(x\); make it take two arguments"):
        solvers.solve(problem, member(denoise=lambda self, x: x))
    with pytest.raises(ValueError, match="prior 'Odd' tells an rmse of 'big'"):
        solvers.sample(problem, member(rmse=lambda self, sigma: "big"), n=1, rng=0)
    with pytest.raises(TypeError, match="is no prior; give an object with denoise"):
        solvers.generate("tv", (1, 8, 8), n=1)


class Module(torch.nn.Module):
    """Its answer hangs on its own weight, not on the image."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(0.9))

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return x.detach() * self.weight


@pytest.mark.parametrize("method", ["dps", "pigdm"])
def test_guidance_through_weights_alone_is_no_guidance(method: str, problem) -> None:
    with pytest.raises(ValueError, match="no gradient passes through prior 'Module'"):
        answered(Module(), problem, method)
    assert not answered(Module(), problem, "hqs").requires_grad


# rng, levels, steps
def test_a_seed_of_any_kind_gives_its_own_numbers(problem) -> None:
    def drawn(rng: object) -> Tensor:
        return solvers.sample(problem, GAUSSIAN, n=1, rng=rng, steps=1).samples

    def dreamt(rng: object) -> Tensor:
        return solvers.generate(GAUSSIAN, (1, 8, 8), n=1, rng=rng, method="ddim", levels=[0.5]).samples

    def masked(rng: object) -> Tensor:
        return problems.inpaint(torch.full((1, 1, 16, 16), 0.5), mask="random:0.5", rng=rng).y

    for call in (drawn, dreamt, masked):
        assert torch.equal(call(5), call(np.int64(5)))
        same = torch.Generator().manual_seed(3)
        first, second = call(same), call(same)
        assert torch.equal(first, call(torch.Generator().manual_seed(3)))
        assert first.shape != second.shape or not torch.equal(first, second)
        assert not torch.equal(call(None), call(None))
        fresh = np.random.default_rng(3)
        assert torch.equal(call(np.random.default_rng(3)), call(fresh))


@pytest.mark.parametrize("rng", ["0", 0.0, -1, True, np.array([1, 2]), np.random.SeedSequence(0), (0,)], ids=repr)
def test_what_is_no_seed_is_named_everywhere(rng: object, problem) -> None:
    image = torch.full((1, 1, 16, 16), 0.5)
    for call in (
        lambda: solvers.sample(problem, GAUSSIAN, n=1, rng=rng),
        lambda: solvers.generate(GAUSSIAN, (1, 8, 8), n=1, rng=rng),
        lambda: problems.denoise(image, rng=rng),
        lambda: problems.deblur(image, rng=rng),
        lambda: problems.super_resolution(image, rng=rng),
        lambda: problems.inpaint(image, rng=rng),
        lambda: problems.masks.random((8, 8), rng=rng),
        lambda: problems.masks.text((16, 16), rng=rng),
        lambda: problems.kernels.shake(rng=rng),
    ):
        with pytest.raises((TypeError, ValueError), match="rng must be an int"):
            call()


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.falling])
def test_rising_levels_are_named(method: str, problem) -> None:
    run = solvers.sample if method in SAMPLERS else solvers.solve
    with pytest.raises(ValueError, match=f"levels must fall, from noise to image, for method '{method}'"):
        run(problem, GAUSSIAN, method=method, levels=[0.1, 0.3])


@pytest.mark.parametrize("method", ["admm", "red", "pgd"])
def test_a_fixed_point_takes_levels_in_any_order(method: str, problem) -> None:
    assert solvers.solve(problem, GAUSSIAN, method, levels=[0.02, 0.03]).config["levels"] == [0.02, 0.03]


def test_steps_and_levels_are_one_or_the_other(problem) -> None:
    for call in (
        lambda: solvers.solve(problem, GAUSSIAN, steps=2, levels=[0.1, 0.05]),
        lambda: solvers.sample(problem, GAUSSIAN, n=1, steps=2, levels=[0.1, 0.05]),
        lambda: solvers.generate(GAUSSIAN, (1, 8, 8), n=1, steps=2, levels=[0.1, 0.05]),
    ):
        with pytest.raises(ValueError, match="give one of the two"):
            call()


@pytest.mark.parametrize(("options", "sentence"), [
    ({"steps": 2.5}, "steps must be a whole number, not 2.5"),
    ({"steps": "3"}, "steps must be a positive number, not '3'"),
    ({"steps": True}, "steps must be a positive number, not True"),
    ({"levels": 0.1}, "levels is empty or no list"),
    ({"levels": "0.1"}, "levels is empty or no list"),
    ({"levels": [0.1, None]}, "every level must be a positive number, not None"),
    ({"levels": [math.nan]}, "every level must be a positive number, not nan"),
    ({"n": 1.5}, "n is the number of samples and must be a whole number"),
    ({"n": "2"}, "n is the number of samples and must be a whole number"),
])  # fmt: skip
def test_numbers_of_another_kind_are_named(options: dict[str, object], sentence: str, problem) -> None:
    for call in (lambda: solvers.sample(problem, GAUSSIAN, **options), lambda: solvers.generate(GAUSSIAN, (1, 8, 8), **options)):
        with pytest.raises((TypeError, ValueError), match=sentence):
            call()


@pytest.fixture(params=[torch.float64, torch.float16, torch.bfloat16], ids=str)
def default(request) -> Iterator[torch.dtype]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(request.param)
    yield request.param
    torch.set_default_dtype(before)


@pytest.mark.parametrize("name", priors.CATALOGUE)
def test_the_default_dtype_of_torch_changes_no_result(name: str, default: torch.dtype) -> None:
    """Problem and prior are made under it too."""

    def found() -> list[Tensor]:
        prior = priors.load(name, **({"processes": 1} if name == "bm3d" else {}))
        image = problems.load_image("camera", size=16, channels=getattr(prior, "channels", 1))
        made = problems.deblur(image, rng=0), problems.super_resolution(image, rng=0), problems.inpaint(image, rng=0)
        some = made if name in ("gaussian", "tv") else made[:1]
        answers = [solvers.solve(problem, prior, steps=2).x for problem in some]
        answers += [solvers.sample(problem, prior, n=1, rng=0, steps=2).samples for problem in some]
        answers.append(solvers.generate(prior, tuple(image.shape[1:]), n=1, rng=0, levels=[0.3, 0.1]).samples)
        if name == "gaussian":
            answers += [answered(prior, problem, method) for problem in made[2:] for method in METHODS]
        return answers

    under = found()
    torch.set_default_dtype(torch.float32)
    for one, other in zip(under, found(), strict=True):
        assert one.dtype == torch.float32
        assert torch.allclose(one, other, atol=1e-4)
