"""Campaigns: draft → scheduled → sending → sent, with a ledger row for every person who was in the audience."""
