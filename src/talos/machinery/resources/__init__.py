"""Resource types of a node, one file each, in one folder per domain."""
