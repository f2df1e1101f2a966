"""The dream as a Gymnasium environment."""
