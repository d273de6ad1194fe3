"""Resource types of the network domain, one file each."""
