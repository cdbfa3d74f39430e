"""Model cards: the facts of a network that its files hold."""
