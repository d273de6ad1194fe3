"""What a machine needs to boot and to remember across boots: META, boot entries."""
