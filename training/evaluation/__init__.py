"""How good a fitted model is: its report, its gates, and comparisons with other versions."""
