"""Where a node runs, one file each: how it finds its config and network."""
