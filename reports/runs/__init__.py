"""Cells, their records, where they are stored, and a stored run read back; knows no figure, verdict or page."""
