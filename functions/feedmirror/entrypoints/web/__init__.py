"""The local web server for a store's public documents."""
