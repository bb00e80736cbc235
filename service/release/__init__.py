"""What is in force and how it came to be: the signed ledger, packed bundles, rollouts, emergency blocks. No Kafka."""
