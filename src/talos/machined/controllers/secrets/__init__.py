"""Controllers of the secrets domain, one file each."""
