"""Metrics: what each one is, and how it is computed with its interval."""
