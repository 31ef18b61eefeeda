"""Scores tables of any size: planned in parts, each read, encoded, scored and written by columns.

`plan` cuts files into parts with names of their own, `part` runs one of them anywhere, `manifest` adds them up.
"""
