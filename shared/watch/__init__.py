"""What is seen of relays and consumers from outside: a dead one says nothing of itself."""
