"""From a question to an answer: the catalogue of named queries, the reader of one version, and the worker processes."""
