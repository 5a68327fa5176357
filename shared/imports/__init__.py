"""Imports of sheets, the same for every service: the job, its rows, its loop and its routes."""
