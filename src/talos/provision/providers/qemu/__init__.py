"""Provider whose nodes are virtual machines: QEMU, UEFI, taps on a bridge in a network namespace of the cluster."""
