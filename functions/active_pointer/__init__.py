"""CloudFormation's custom resource: makes the pointer once."""
