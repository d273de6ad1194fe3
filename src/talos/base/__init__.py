"""What every room may import: errors, constants, clock, task ownership. Standard library only."""
