"""Predictions to the next architectures."""
