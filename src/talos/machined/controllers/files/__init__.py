"""Controllers of the files domain, one file each."""
