# How uploads reach the forwarder. A bucket has one notification configuration, and writing it replaces all that was
# there: so it is written only for logscan's own bucket and for those that are declared `direct`. Buckets of others
# send to EventBridge, which any number of rules can listen to.
locals {
  direct_buckets = merge(
    var.logs_bucket.create ? { (module.documents.names.logs_bucket) = var.logs_bucket.prefixes } : {},
    { for name, bucket in var.existing_buckets : name => bucket.prefixes if bucket.notification == "direct" },
  )
  eventbridge_buckets = toset([for name, bucket in var.existing_buckets : name if bucket.notification == "eventbridge"])
}

resource "aws_lambda_permission" "s3" {
  for_each = local.direct_buckets

  function_name  = aws_lambda_function.forwarder.function_name
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
    for_each = each.value

    content {
      lambda_function_arn = aws_lambda_function.forwarder.arn
      events              = ["s3:ObjectCreated:*"]
      filter_prefix       = module.documents.filter_prefixes[each.key][lambda_function.value]
    }
  }

  # S3 tries the function when the configuration is written, and refuses it without the permission.
  depends_on = [aws_lambda_permission.s3, aws_s3_bucket.this]
}

resource "aws_cloudwatch_event_rule" "uploads" {
  for_each = local.eventbridge_buckets

  name          = "${var.name}-${substr(sha256(each.key), 0, 12)}" # 64 characters at the most, fewer than a bucket may have
  description   = "Uploads to ${each.key}, for logscan's forwarder"
  event_pattern = jsonencode(module.documents.event_patterns[each.key])
  tags          = local.tags
}

resource "aws_cloudwatch_event_target" "forwarder" {
  for_each = local.eventbridge_buckets

  rule = aws_cloudwatch_event_rule.uploads[each.key].name
  arn  = aws_lambda_function.forwarder.arn

  # What EventBridge cannot hand to Lambda; a dead-letter queue of EventBridge must be standard.
  dead_letter_config {
    arn = aws_sqs_queue.failures.arn
  }
}

resource "aws_lambda_permission" "eventbridge" {
  for_each = local.eventbridge_buckets

  function_name = aws_lambda_function.forwarder.function_name
  statement_id  = "eventbridge-${substr(sha256(each.key), 0, 12)}"
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.uploads[each.key].arn
}
