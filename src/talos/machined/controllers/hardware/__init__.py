"""Controllers of the hardware domain, one file each."""
