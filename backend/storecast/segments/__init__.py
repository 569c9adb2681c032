"""Rule trees over customer facts: validated, compiled to SQL, counted and listed."""
