#!/bin/sh
# Kafka's own console consumer, as an example of a Java client; takes its arguments, e.g. --bootstrap-server 127.0.0.1:19092 --topic ads.submissions
exec "$(dirname "$0")/kafka-run.sh" org.apache.kafka.tools.consumer.ConsoleConsumer "$@"
