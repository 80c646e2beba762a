"""A feed's state, records and public documents in a store, crash-safe."""
