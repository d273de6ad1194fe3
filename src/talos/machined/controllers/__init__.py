"""Controllers, one file each, in one folder per domain; domains meet only through resources."""
