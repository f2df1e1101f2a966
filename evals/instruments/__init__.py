"""Instruments find things in frames, real or generated alike; each is tried on real frames where the truth is known."""
