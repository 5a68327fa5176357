"""Reading the log with an exactly-once effect: offsets and read model move in one transaction."""
