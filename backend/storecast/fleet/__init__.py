"""The processes that run Storecast."""
