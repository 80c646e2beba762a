"""Where the program is started: they read the clock and the environment, and wire the rest."""
