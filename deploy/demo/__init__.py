"""The story that a newcomer sees: eight offices write at once, and nothing is lost or counted twice."""
