"""Resource types of the storage domain, one file each."""
