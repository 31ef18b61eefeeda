"""The benchmarks: this service beside a plain one, in one run and in turns. `make bench` runs them, no test does."""
