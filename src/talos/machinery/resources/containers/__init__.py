"""Resource types of the containers domain, one file each."""
