"""The local stack behind `make demo`, `make test` and `make smoke`.

A developer program beside the product: it imports nothing of storecast or the simulator and reaches both only
as subprocesses and over HTTP.
"""
