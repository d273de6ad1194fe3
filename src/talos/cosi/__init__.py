"""Resources, state and controller runtime. Knows no Talos."""
