"""One file per foreign format, the only place that knows it."""
