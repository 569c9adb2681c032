"""Composition: every process of Storecast starts here and nobody imports it."""
