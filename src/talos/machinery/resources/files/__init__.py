"""Resource types of the files domain, one file each."""
