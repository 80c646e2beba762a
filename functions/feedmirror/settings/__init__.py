"""Parse and validate feeds.toml: text to `Subscription`s, or a list of all problems.

`load` has the keys and reads the file; each key has a kind with its limits (`values`, `addresses`,
`disclaimer`). Problems are collected (`problems`), located by line (`positions`) and raised
together as one ConfigError.
"""
