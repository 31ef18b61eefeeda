"""The rollout of a version on trial: step by step, judged while it bakes, promoted or rejected at the end."""
