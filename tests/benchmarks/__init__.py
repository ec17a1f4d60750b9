"""Every budget of the house beside its figure; `python -m tests.benchmarks` prints the table."""
