"""Entry points: the command, the Lambda functions and the web server.

Only entry points read the clock and the environment; they construct the adapters.
"""
