"""What customers bought: orders and their lines, the source of facts and of attribution."""
