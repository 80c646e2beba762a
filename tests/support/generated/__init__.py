"""The parts that `generate` puts documents together from: spelling, fragments, items, frames."""
