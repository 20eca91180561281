"""What came out: cells run and stored, scored, calibrated, and shown as tables, figures and one page."""
