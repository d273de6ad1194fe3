"""Controllers of the perf domain, one file each."""
