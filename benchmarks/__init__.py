"""Benchmarks: `make bench` compares the service with other SPARQL engines on this machine. See docs/benchmarks.md."""
