"""What people see of an exchange: annotations and summary of its flow, content views, flows of attempts and steps."""
