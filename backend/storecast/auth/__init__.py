"""Who is asking: ID tokens, OAuth, sessions."""
