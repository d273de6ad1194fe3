"""RPC implementations, one file per topic."""
