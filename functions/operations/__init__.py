"""Takes labels, and tells the metrics of all environments."""
