"""Personal data: encrypted per person, found through keyed indexes, shown masked."""
