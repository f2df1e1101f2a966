"""Episode tables on Lance, parallel collection, and the clip reader that feeds training."""
