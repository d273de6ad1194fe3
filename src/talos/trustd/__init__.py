"""Signs server certificates of nodes that present the machine token."""
