"""The network API: mTLS, roles, proxying of raw messages."""
