"""What `./dev` does: sets a checkout up, builds what a cluster is made of, runs checks and tests.

Standard library only, and of the tree only rooms that are too (`talos.base`, `talos.imager`): this code runs on the
host's python3, before the environment it makes exists.
"""
