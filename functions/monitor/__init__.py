"""The monitor's function: a schedule calls it, and it judges the windows that have ended."""
