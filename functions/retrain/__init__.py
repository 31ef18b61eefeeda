"""Training again: the data as it is now, the job, its gates, a version, and a rollout where one is asked for."""
