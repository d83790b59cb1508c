"""A knowledge graph of the organizations, people and projects around Data-Pop Alliance, and a service that answers questions about it."""

__version__ = "0.1.0"
