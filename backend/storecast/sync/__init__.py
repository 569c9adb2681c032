"""Pulling a store's customers, products and orders, whole or what changed."""
