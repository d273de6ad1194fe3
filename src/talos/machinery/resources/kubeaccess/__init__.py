"""Resource types of the kubeaccess domain, one file each."""
