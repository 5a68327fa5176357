"""Sheets as offices have them: read in a child process with limits, their table found, and the result written."""
