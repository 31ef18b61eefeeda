"""Checks, on a schedule, that a new environment could load the active version."""
