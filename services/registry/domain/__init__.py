"""The registry's rules. Pure: today is an argument, and nothing here reads or writes anything."""
