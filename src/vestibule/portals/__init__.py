"""Pages for people: they render prompts and call flows, work without scripts, and decide nothing."""
