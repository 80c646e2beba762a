"""Stores: a directory, an S3 bucket. Both satisfy `tests/support/store_contract.py`."""
