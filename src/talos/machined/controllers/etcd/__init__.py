"""Controllers of the etcd domain, one file each."""
