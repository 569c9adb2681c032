"""The mail catcher: a real SMTP server whose messages are kept to be looked at and go nowhere."""
