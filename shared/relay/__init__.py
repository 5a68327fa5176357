"""From the outbox to Kafka: one leader, a stand-by, and no row forgotten."""
