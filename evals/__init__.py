"""What is measured and how: scenarios, metrics, controls and the runner."""
