"""The Admin GraphQL API, executed on Shopify's own schema."""
