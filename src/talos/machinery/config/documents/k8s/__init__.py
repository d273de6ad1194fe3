"""Documents of the k8s domain, one file a kind."""
