"""The HTTP surface: one small router per surface, routes of a few lines."""
