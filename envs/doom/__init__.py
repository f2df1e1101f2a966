"""ViZDoom behind the same contract as every other game."""
