"""The training job: from a table and one `model.yaml` to a published version, and the command line around it."""
