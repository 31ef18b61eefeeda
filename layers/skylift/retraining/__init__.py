"""Training again on AWS or under `skylift up`: how it is asked for, and how far it is. See docs/retraining.md."""
