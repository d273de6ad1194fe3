"""Resource types of the hardware domain, one file each."""
