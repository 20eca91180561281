"""Stored results as text: LaTeX, Markdown, HTML, CSV."""
