"""Resource types of the perf domain, one file each."""
