"""The catalogue of metrics: what each is called, its digits, and which direction is better."""

from __future__ import annotations

from typing import NamedTuple


class Metric(NamedTuple):
    """How a metric is called, with how many digits it is told, and what is better: 1 more, -1 less, 0 neither (it has a right value)."""

    name: str
    digits: int
    better: int


METRICS = {
    "psnr": Metric("PSNR", 2, 1),
    "ssim": Metric("SSIM", 3, 1),
    "haarpsi": Metric("HaarPSI", 3, 1),
    "gmsd": Metric("GMSD", 3, -1),
    "lpips": Metric("LPIPS", 3, -1),
    "swd": Metric("SWD", 3, -1),
    "spectrum_db": Metric("spectrum, dB", 2, -1),
    "mae": Metric("MAE", 4, -1),
    "misfit": Metric("misfit", 2, 0),
    "psnr_sample": Metric("PSNR of one", 2, 1),
    "ssim_sample": Metric("SSIM of one", 3, 1),
    "haarpsi_sample": Metric("HaarPSI of one", 3, 1),
    "gmsd_sample": Metric("GMSD of one", 3, -1),
    "lpips_sample": Metric("LPIPS of one", 3, -1),
    "swd_sample": Metric("SWD of one", 3, -1),
    "spectrum_db_sample": Metric("spectrum of one, dB", 2, -1),
    "misfit_sample": Metric("misfit of one", 2, 0),
    "crps": Metric("CRPS", 4, -1),
    "rms_error": Metric("RMSE", 4, -1),
    "spread": Metric("spread", 4, 0),
    "coverage": Metric("coverage", 3, 0),
    "calls": Metric("calls", 0, 0),
    "seconds": Metric("seconds", 1, 0),
}
