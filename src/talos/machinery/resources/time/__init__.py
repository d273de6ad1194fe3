"""Resource types of the time domain, one file each."""
