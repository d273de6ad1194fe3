"""Resource types of the block domain, one file each."""
