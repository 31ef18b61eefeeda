"""Runs the durable functions on this machine, as Lambda does: for `skylift up` alone."""
