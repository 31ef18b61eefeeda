"""Typed clients of a service: one file in Python or TypeScript, written from a contract.

Each language has a template, which is the whole client for a small contract, and a module that writes its two marked
sections again for another one.
"""
