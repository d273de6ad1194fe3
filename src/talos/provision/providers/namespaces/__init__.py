"""Nodes as sets of namespaces on this machine's kernel: no virtual machine, no container engine."""
