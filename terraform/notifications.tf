# How uploads reach the forwarder, or the queue itself (forwarder.create = false). A bucket has one notification
# configuration, and writing it replaces all that was there: so it is written only for logscan's own bucket and for those
# that are declared `direct`. Buckets of others send to EventBridge, which any number of rules can listen to.
locals {
  direct_buckets      = module.documents.direct_buckets
  eventbridge_buckets = toset([for name, bucket in var.existing_buckets : name if bucket.notification == "eventbridge"])
}

resource "aws_lambda_permission" "s3" {
  for_each = var.forwarder.create ? local.direct_buckets : {}

  function_name  = module.forwarder[0].function.name
  statement_id   = "s3-${substr(sha256(each.key), 0, 12)}" # 100 characters at the most, fewer than an old bucket may have
  action         = "lambda:InvokeFunction"
  principal      = "s3.amazonaws.com"
  source_arn     = "arn:${local.account.partition}:s3:::${each.key}"
  source_account = local.account.id
}

resource "aws_s3_bucket_notification" "direct" {
  for_each = local.direct_buckets

  bucket = each.key

  dynamic "lambda_function" {
    for_each = var.forwarder.create ? each.value : []

    content {
      lambda_function_arn = module.forwarder[0].function.arn
      events              = ["s3:ObjectCreated:*"]
      filter_prefix       = module.documents.filter_prefixes[each.key][lambda_function.value]
    }
  }

  dynamic "queue" {
    for_each = var.forwarder.create ? [] : each.value

    content {
      queue_arn     = aws_sqs_queue.main.arn
      events        = ["s3:ObjectCreated:*"]
      filter_prefix = module.documents.filter_prefixes[each.key][queue.value]
    }
  }

  # S3 tries the destination when the configuration is written, and refuses it without the permission.
  depends_on = [aws_lambda_permission.s3, aws_sqs_queue_policy.this, aws_s3_bucket.this]
}

resource "aws_cloudwatch_event_rule" "uploads" {
  for_each = local.eventbridge_buckets

  name          = "${var.name}-${substr(sha256(each.key), 0, 12)}" # 64 characters at the most, fewer than a bucket may have
  description   = "Uploads to ${each.key}, for logscan"
  event_pattern = jsonencode(module.documents.event_patterns[each.key])
  tags          = local.tags
}

resource "aws_cloudwatch_event_target" "uploads" {
  for_each = local.eventbridge_buckets

  rule = aws_cloudwatch_event_rule.uploads[each.key].name
  arn  = var.forwarder.create ? module.forwarder[0].function.arn : aws_sqs_queue.main.arn

  # What EventBridge cannot deliver; its dead-letter queue must be standard.
  dead_letter_config {
    arn = var.forwarder.create ? module.forwarder[0].failure_queue.arn : aws_sqs_queue.dead_letter.arn
  }
}

resource "aws_lambda_permission" "eventbridge" {
  for_each = var.forwarder.create ? local.eventbridge_buckets : toset([])

  function_name = module.forwarder[0].function.name
  statement_id  = "eventbridge-${substr(sha256(each.key), 0, 12)}"
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.uploads[each.key].arn
}
