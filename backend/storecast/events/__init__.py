"""What visitors and recipients did: pixel and message events, verdicts and identities."""
