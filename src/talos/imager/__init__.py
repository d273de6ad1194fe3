"""Builds what a node consists of: components, container images, the root filesystem, and the artifact set of them all.

The room imports the standard library and `talos.base` only, because `./dev` uses it before any dependency is installed.
"""
