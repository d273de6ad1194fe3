"""Resource types of the runtime domain, one file each."""
