"""From a fitted estimator to the compiled form that is served."""
