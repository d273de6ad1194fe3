"""Resource types of the secrets domain, one file each."""
