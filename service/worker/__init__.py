"""The only home of Faust and aiokafka: from the submissions topic to the output topics, exactly once."""
