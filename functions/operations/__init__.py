"""Takes labels, starts retrainings, and tells the metrics of all environments."""
