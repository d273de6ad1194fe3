"""Resource types of the etcd domain, one file each."""
