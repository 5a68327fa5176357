"""Where tests get their Postgres and Kafka from: from this machine, or from containers."""
