"""Pure: from a feed's state to its public documents."""
