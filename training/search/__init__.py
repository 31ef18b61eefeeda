"""Candidates, and the search that compares them by cross-validation."""
