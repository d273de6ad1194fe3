"""Resource types of the security domain, one file each."""
