"""From answers and graphs to bytes: formats, content negotiation, tables, JSON-LD."""
