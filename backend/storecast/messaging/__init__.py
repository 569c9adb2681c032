"""Messages: hostile templates made safe, composed into bytes, handed to a channel; consent and suppression."""
