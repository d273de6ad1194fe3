"""Controllers of the kubeaccess domain, one file each."""
