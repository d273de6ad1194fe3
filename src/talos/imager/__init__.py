"""Builds components, container images and the root filesystem."""
