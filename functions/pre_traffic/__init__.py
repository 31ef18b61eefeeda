"""CodeDeploy's hook before a new version of the service gets traffic."""
