"""The command line: one function per command over Hydra."""
