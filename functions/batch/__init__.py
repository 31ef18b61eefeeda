"""Scores parts of a table for the state machine of `skylift batch`: rows in S3 -> answers in S3."""
