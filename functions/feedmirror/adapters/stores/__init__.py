"""Stores in a directory and in an S3 bucket, with the same promises."""
