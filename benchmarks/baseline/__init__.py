"""The service to compare with."""
