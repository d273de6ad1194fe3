"""Resource types of the siderolink domain, one file each."""
