"""Writes down every change of the pointer and of the challenger, whoever made it."""
