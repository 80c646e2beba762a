"""The outside world: origins over HTTP, the supervised parser, the stores."""
