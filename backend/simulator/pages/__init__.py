"""The pages a person clicks through: the simulated admin, the storefront, the inbox."""
