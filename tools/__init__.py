"""What maintains this repository's generated files."""
