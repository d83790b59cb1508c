"""From outside data to quads."""
