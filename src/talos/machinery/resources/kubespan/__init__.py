"""Resource types of the kubespan domain, one file each."""
