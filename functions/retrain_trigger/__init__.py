"""Starts training again on a schedule, for new data, and after drift."""
