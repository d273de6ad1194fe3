"""Controllers of the k8s domain, one file each."""
