"""etcd: its command line, a client of its gRPC API, and what a membership change needs to know."""
