"""What a license is: states and lawful moves, versions, requests, uses and parties (pure)."""
