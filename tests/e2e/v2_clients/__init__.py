"""Programs that run in an environment of their own, each with one of the clients; `tests/e2e/test_v2_clients.py`."""
