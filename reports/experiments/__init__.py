"""What can be run: comparison, tuning, denoising table, exact posteriors, unconditional samples."""
