"""The model card: one HTML file that says what a version is, how good it is and where its limits are."""
