"""Pages for people: server-rendered HTML, no scripts, nothing loaded from elsewhere."""
