"""Controllers of the cri domain, one file each."""
