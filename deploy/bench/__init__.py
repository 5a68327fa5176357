"""Measurements of the running product, on an installation of their own."""
