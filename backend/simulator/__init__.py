"""A stand-in for Shopify: the platform that the app talks to, played by a program that shares no code with it."""
