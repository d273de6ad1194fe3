"""containerd, the part of it that a node needs, over its unix socket.

`client` speaks the API, `images` brings images in, `spec` writes what runc is to do, `tasks` runs containers.
"""
