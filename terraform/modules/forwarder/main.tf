# The Lambda function between S3 and the queue, and the queue of what it cannot send.
locals {
  # A file of the repository, made by `make generate`: a plan names it, and can be applied wherever the module is.
  archive = "${path.module}/forwarder.zip"
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_338:Thirty days unless function.log_retention_days says otherwise; these logs name keys, no content.
  # checkov:skip=CKV_AWS_158:Encrypted by CloudWatch Logs itself unless kms_key_arn is given.
  name              = var.log_group
  retention_in_days = var.function.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_117:It talks to SQS only; in a VPC it would need an endpoint and start slower.
  # checkov:skip=CKV_AWS_116:Its dead letters go by the on-failure destination below, which also has the reason.
  # checkov:skip=CKV_AWS_272:The archive is a file of this repository, compared with its source by a test; nobody else makes it who could sign it.
  # checkov:skip=CKV_AWS_50:A trace of one call to SQS tells no more than its metrics.
  # checkov:skip=CKV_AWS_115:No reservation unless function.reserved_concurrency says so: it would take from the account's pool.
  # checkov:skip=CKV_AWS_173:The variables are two URLs of queues.
  function_name    = var.name
  description      = "Forwards S3 uploads to ${var.queue.name}"
  filename         = local.archive
  source_code_hash = filebase64sha256(local.archive)
  handler          = "logscan_forwarder.handler.handler"
  runtime          = var.function.runtime
  architectures    = ["arm64"]
  memory_size      = var.function.memory_mib
  timeout          = var.function.timeout_seconds
  role             = var.role_arn

  reserved_concurrent_executions = var.function.reserved_concurrency

  environment {
    variables = {
      QUEUE_URL         = var.queue.url
      FAILURE_QUEUE_URL = aws_sqs_queue.failures.url
    }
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  tags = var.tags
}

resource "aws_sqs_queue" "failures" {
  name                       = var.failure_queue.name
  message_retention_seconds  = var.failure_queue.message_retention_seconds
  visibility_timeout_seconds = var.failure_queue.visibility_timeout_seconds
  sqs_managed_sse_enabled    = var.kms_key_arn == null ? true : null
  kms_master_key_id          = var.kms_key_arn
  tags                       = var.tags
}

resource "aws_sqs_queue_policy" "failures" {
  queue_url = aws_sqs_queue.failures.url
  policy    = var.failure_queue.policy
}

# What fails three times is kept, with the error, instead of being lost.
resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = aws_lambda_function.this.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failures.arn
    }
  }
}

# Hands the queue of failures to the forwarder again, once somebody has put right what was wrong: switched on by hand
# and off again (docs/operations.md). SQS moves no messages of its own accord from there: a Lambda's on-failure
# destination is no dead-letter queue to it, and the queue with object events is FIFO.
resource "aws_lambda_event_source_mapping" "redrive" {
  event_source_arn        = aws_sqs_queue.failures.arn
  function_name           = aws_lambda_function.this.function_name
  enabled                 = false
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]
  tags                    = var.tags

  lifecycle {
    ignore_changes = [enabled]
  }
}
