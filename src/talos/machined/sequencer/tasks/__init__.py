"""Steps of sequences, one file per subject. Each takes the Context and may be repeated."""
