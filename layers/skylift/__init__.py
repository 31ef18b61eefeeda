"""What functions and training share: contract, manifest, references, registry, observability, errors."""
