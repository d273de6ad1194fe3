"""Services the supervisor runs, one file each."""
