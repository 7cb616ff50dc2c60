"""Who calls: clients, people, tokens, roles."""
