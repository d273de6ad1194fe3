"""Resource types of the k8s domain, one file each."""
