"""Controllers of the v1alpha1 domain, one file each."""
