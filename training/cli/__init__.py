"""The `skylift` command line."""
