"""Controllers of the config domain, one file each."""
