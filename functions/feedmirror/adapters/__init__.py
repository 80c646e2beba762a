"""The protocols of `ports.py` implemented: HTTP origins, stores, the queue, the parser process."""
