"""The release of Skylift: `pyproject.toml` reads it from here, logs, `/health` and manifests name it."""

__version__ = "0.2.0"
