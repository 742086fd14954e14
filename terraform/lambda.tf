# The forwarder: S3 cannot notify a FIFO queue itself. Without it (forwarder.create = false), uploads go to a standard
# queue. Its archive is a file of the repository, made by `make generate`: a plan names it, and applies wherever the module is.
locals {
  forwarder_archive = "${path.module}/forwarder/forwarder.zip"
}

resource "aws_cloudwatch_log_group" "forwarder" {
  count = var.forwarder.create ? 1 : 0

  # checkov:skip=CKV_AWS_338:Thirty days unless forwarder.log_retention_days says otherwise; these logs name keys, no content.
  # checkov:skip=CKV_AWS_158:Encrypted by CloudWatch Logs itself unless kms_key_arn is given.
  name              = module.documents.names.forwarder_log
  retention_in_days = var.forwarder.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = local.tags
}

resource "aws_lambda_function" "forwarder" {
  count = var.forwarder.create ? 1 : 0

  # checkov:skip=CKV_AWS_117:It talks to SQS only; in a VPC it would need an endpoint and start slower.
  # checkov:skip=CKV_AWS_116:Its dead letters go by the on-failure destination below, which also has the reason.
  # checkov:skip=CKV_AWS_272:The archive is a file of this repository, compared with its source by a test; nobody else makes it who could sign it.
  # checkov:skip=CKV_AWS_50:A trace of one call to SQS tells no more than its metrics.
  # checkov:skip=CKV_AWS_115:No reservation unless forwarder.reserved_concurrency says so: it would take from the account's pool.
  # checkov:skip=CKV_AWS_173:The variables are two URLs of queues.
  function_name    = module.documents.names.forwarder
  description      = "Forwards S3 uploads to ${module.documents.names.queue}"
  filename         = local.forwarder_archive
  source_code_hash = filebase64sha256(local.forwarder_archive)
  handler          = "logscan_forwarder.handler.handler"
  runtime          = var.forwarder.runtime
  architectures    = ["arm64"]
  memory_size      = var.forwarder.memory_mib
  timeout          = var.forwarder.timeout_seconds
  role             = aws_iam_role.this["forwarder"].arn

  reserved_concurrent_executions = var.forwarder.reserved_concurrency

  environment {
    variables = {
      QUEUE_URL         = aws_sqs_queue.main.url
      FAILURE_QUEUE_URL = aws_sqs_queue.failures[0].url
    }
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.forwarder[0].name
  }

  tags = local.tags

  # The role must be able to write before the first call.
  depends_on = [aws_iam_role_policy.this]
}

# What fails three times is kept, with the error, instead of being lost.
resource "aws_lambda_function_event_invoke_config" "forwarder" {
  count = var.forwarder.create ? 1 : 0

  function_name                = aws_lambda_function.forwarder[0].function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failures[0].arn
    }
  }
}

# Hands the queue of failures to the forwarder again, once somebody has put right what was wrong: switched on by hand
# and off again (docs/operations.md). SQS moves no messages of its own accord from there: a Lambda's on-failure
# destination is no dead-letter queue to it, and the queue with object events is FIFO.
resource "aws_lambda_event_source_mapping" "redrive" {
  count = var.forwarder.create ? 1 : 0

  event_source_arn        = aws_sqs_queue.failures[0].arn
  function_name           = aws_lambda_function.forwarder[0].function_name
  enabled                 = false
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]
  tags                    = local.tags

  lifecycle {
    ignore_changes = [enabled]
  }

  # Lambda tries the role when the mapping is made.
  depends_on = [aws_iam_role_policy.this]
}
