"""Simulators: ours (dit) and, later, other people's."""
