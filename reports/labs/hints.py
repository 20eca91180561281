"""Likely causes: of a wrong number in any task, of another shape, and of an exception."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

Parts = list[np.ndarray]
KEEP = "make a new tensor, such as x = x + d in place of x += d"

REMEDIES = {
    r"NameError|UnboundLocalError":
        "a function uses its arguments, what it computes itself, and functions of the file: is the name one of these?",
    r"must match the size of tensor|Expected size for first two dimensions|broadcast|shapes cannot be multiplied":
        "the shapes of two tensors do not fit, so print both: [K] meets pictures as [:, None, None, None]; rfft2 halves columns",
    r"Got: Bool": "true and false have no mean: make them numbers first, by .float()",
    r"dtype|scalar type":
        "the arguments may be in double precision: make other tensors in their dtype, by zeros_like(x), .to(x) or dtype=x.dtype",
    r"NoneType": "a function that is called here returns nothing: does it end with return?",
    r"does not require grad|appears to not have been used in the graph":
        "the gradient is by a tensor that the value was not computed from: x = x.detach().requires_grad_() first, then all from that x",
    r"implicitly created only for scalar": "a gradient is that of one number: take the sum() first",
    r"convert(ed)? (complex|to type double without overflow)|[Cc]omplex": "a complex coefficient c has the squared size c.abs() ** 2",
    r"be converted to (a )?Scalar|only one element tensors|only length-1 arrays|size-1 arrays":
        "float(...) takes one number: a sum or a mean comes first",
    r"TypeError: '\w+' object is not callable": "only functions are called with (...): a * may be missing, or a method such as .denoise",
    r"(?i)bool(ean)? value of Tensor|truth value of an array":
        "if takes one truth value: use torch.where, or multiply by the mask",
    r"RecursionError": "the function calls itself without end",
    r"ZeroDivisionError": "one of the numbers is 0 here, such as the level after the last one",
    r"without replacement": "a picture may be drawn more than once: replacement=True",
}  # fmt: skip


def remedy(exception: str) -> str:
    """What may help against an exception, of which kind and message are told."""
    return next((remedy for sign, remedy in REMEDIES.items() if re.search(sign, exception)), "")


def reshaped(part: np.ndarray, asked: tuple[int, ...]) -> list[str]:
    """How an answer may have come to another shape than the one ``asked`` for."""
    if not asked:
        return ["a sum or a mean over all of these is missing, or the one that is there names its axes"]
    if not part.shape:
        return ["a sum or a mean is taken over everything: name its axis; or return stands inside a loop"]
    if part.dtype.kind in "iu" and len(asked) > 1 and part.shape == asked[:1]:
        return ["those are numbers of pictures, such as multinomial draws: return the pictures themselves, pictures[k]"]
    if [n for n in part.shape if n > 1] == [n for n in asked if n > 1]:
        more = "an axis of length 1 is missing: keep it by keepdim=True, or put it back by x[None]"
        return [more if len(part.shape) < len(asked) else "there is an axis of length 1 too much: squeeze() takes it away"]
    return ["the axes are in another order"] if sorted(part.shape) == sorted(asked) else []


FACTORS = {
    -1.0: "the sign is wrong",
    255.0: "it is in 0..255, where all is in 0..1",
    1 / 255: "it is divided by 255 once too often: all is in 0..1 already",
    255.0**2: "a sigma in 0..255 was squared, where all is in 0..1",
    1 / 255**2: "something is divided by 255 squared: all is in 0..1 already",
    2.0: "a factor 2 too large",
    0.5: "a factor 2 too small",
}


def common(truth: Parts, true: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Mistakes that can be made in any task."""
    for factor, hint in FACTORS.items():
        yield hint, factor * true
    if true.size > 1:
        yield "it is clipped to [0, 1]; leave it as it is", np.clip(true.real, 0, 1)
    if true.dtype.kind != "c" and (true >= 0).all():
        yield "it is the square root of the right answer: a square is missing, or a variance is asked for", np.sqrt(true)
        yield "it is the square of the right answer: a square root is missing, or a standard deviation is asked for", true**2
        if true.size == 1:
            yield "it is one over the right answer", 1 / np.maximum(true, 1e-30)
    if len(truth) == 1 and truth[0].ndim >= 2:
        yield "it is mirrored left to right and upside down", np.flip(truth[0], (-2, -1)).ravel()
        yield "rows and columns are exchanged", np.swapaxes(truth[0], -2, -1).ravel()


def fitted(answer: np.ndarray, true: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """What is off by one factor or by one number, whatever that is: told only where nothing else is."""
    if not answer.any():
        yield "it is zero everywhere", answer
    elif true.size > 1 and float(np.abs(true).max()) > 0:
        factor = float((answer * true).sum().real / (true * true).sum().real)
        yield f"it is {factor:.3g} times the right answer: a factor is missing or too much", factor * true
        offset = float(np.mean(answer - true).real)
        yield f"every value is too {'large' if offset > 0 else 'small'} by {abs(offset):.3g}", true + offset


def returned(answer: np.ndarray, given: Sequence[Any]) -> list[str]:
    """Whether an answer is one of the arguments."""
    own = [(i, argument.detach().numpy().ravel()) for i, argument in enumerate(given, start=1) if hasattr(argument, "detach")]
    return [f"it is argument number {i}, just as it was given" for i, x in own if x.size == answer.size and np.allclose(x, answer)]


def digits(parts: Parts, truth: Parts) -> list[str]:
    """What is lost where numbers are kept in few digits."""
    whole = [part.dtype.kind in "biu" and (each != np.round(each.real)).any() for part, each in zip(parts, truth, strict=True)]
    if any(whole):
        return ["its numbers are whole: something was rounded, such as by int(...) or //, or compared where it is to be computed"]
    few = sorted({str(part.dtype) for part in parts if part.dtype.kind == "f" and part.dtype.itemsize < 4})
    return [f"it is in {few[0]}, which has three digits: compute in the dtype of the arguments"] if few else []
