"""Hostile requests as data, and what each of them must get."""
