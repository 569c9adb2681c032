"""The people of a store, their consent, and the facts about them that segments ask for."""
