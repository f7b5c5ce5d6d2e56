"""Architectures to numbers, never labels."""
