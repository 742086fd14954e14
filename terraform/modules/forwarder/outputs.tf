output "function" {
  description = "Name and ARN of the function."
  value       = { name = aws_lambda_function.this.function_name, arn = aws_lambda_function.this.arn }
}

output "failure_queue" {
  description = "URL and ARN of the queue of what it could not send."
  value       = { url = aws_sqs_queue.failures.url, arn = aws_sqs_queue.failures.arn }
}

output "redrive_mapping" {
  description = "UUID of the event source mapping that passes these events to the function again."
  value       = aws_lambda_event_source_mapping.redrive.id
}
