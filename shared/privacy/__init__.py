"""Personal data: types that show the last four digits, sealing under a key per person, and finding without reading."""
