"""The two shapes most controllers have: one output per input, and layers merged into one."""
