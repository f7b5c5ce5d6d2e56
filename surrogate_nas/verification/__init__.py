"""Architectures to accuracy, by training them for real."""
