"""Resource types of the cri domain, one file each."""
