"""Resource types of the config domain, one file each."""
