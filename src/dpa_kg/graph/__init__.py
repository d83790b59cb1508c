"""From files, rules and shapes to a published, immutable version of the graph, and back to readers."""
