"""Controllers of the runtime domain, one file each."""
