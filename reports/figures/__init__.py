"""Figures of stored runs for page, paper and slides: nothing is solved here, and what is compared shares its scale."""
