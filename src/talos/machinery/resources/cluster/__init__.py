"""Resource types of the cluster domain, one file each."""
