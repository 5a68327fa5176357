"""What a Kafka that we use has to allow, wherever it runs."""
