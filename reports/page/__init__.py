"""Stored results as one HTML page."""
