# Object events, and those the operator could not read.
resource "aws_sqs_queue" "main" {
  name                        = module.documents.names.queue
  fifo_queue                  = module.documents.queues.main.fifo_queue
  deduplication_scope         = module.documents.queues.main.deduplication_scope
  fifo_throughput_limit       = module.documents.queues.main.fifo_throughput_limit
  content_based_deduplication = module.documents.queues.main.content_based_deduplication
  visibility_timeout_seconds  = module.documents.queues.main.visibility_timeout_seconds
  receive_wait_time_seconds   = module.documents.queues.main.receive_wait_time_seconds
  message_retention_seconds   = module.documents.queues.main.message_retention_seconds
  redrive_policy              = jsonencode(module.documents.queues.main.redrive_policy)
  sqs_managed_sse_enabled     = var.kms_key_arn == null ? true : null
  kms_master_key_id           = var.kms_key_arn
  tags                        = local.tags

  # SQS wants the dead-letter queue first.
  depends_on = [aws_sqs_queue.dead_letter]
}

resource "aws_sqs_queue" "dead_letter" {
  name                      = module.documents.names.dead_letter_queue
  fifo_queue                = module.documents.queues.dead_letter.fifo_queue
  message_retention_seconds = module.documents.queues.dead_letter.message_retention_seconds
  redrive_allow_policy      = jsonencode(module.documents.queues.dead_letter.redrive_allow_policy)
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  kms_master_key_id         = var.kms_key_arn
  tags                      = local.tags
}

resource "aws_sqs_queue_policy" "this" {
  for_each = {
    main        = aws_sqs_queue.main.url
    dead_letter = aws_sqs_queue.dead_letter.url
  }

  queue_url = each.value
  policy    = jsonencode(module.documents.queue_policies[each.key])
}
