"""Shopify's protocols: Admin GraphQL, bulk operations, OAuth, signatures and ids. Knows no domain of ours."""
