# Policies of buckets, queues and keys, and the patterns of events from buckets of others.
locals {
  without_tls = {
    Effect    = "Deny"
    Principal = "*"
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }

  # EventBridge has no role of its own for its dead letters, only the queue's word.
  from_eventbridge = {
    Sid       = "KeepWhatEventBridgeCannotDeliver"
    Effect    = "Allow"
    Principal = { Service = "events.amazonaws.com" }
    Action    = "sqs:SendMessage"
    Resource  = local.arns.failure_queue
    Condition = { ArnLike = { "aws:SourceArn" = "${local.arn}:events:${local.place}:rule/${var.name}-*" } }
  }

  queue_policies = {
    for queue, arn in { main = local.arns.queue, dead_letter = local.arns.dead_letter_queue, failures = local.arns.failure_queue } :
    queue => {
      Version = "2012-10-17"
      Statement = concat(
        [merge(local.without_tls, { Sid = "DenyWithoutTls", Action = "sqs:*", Resource = arn })],
        queue == "failures" && length(local.event_patterns) > 0 ? [local.from_eventbridge] : [],
      )
    }
  }

  bucket_policies = {
    for bucket, arn in { logs = "${local.arn}:s3:::${local.names.logs_bucket}", reports = local.arns.reports_bucket } :
    bucket => {
      Version = "2012-10-17"
      Statement = [
        merge(local.without_tls, { Sid = "DenyWithoutTls", Action = "s3:*", Resource = [arn, "${arn}/*"] }),
        {
          Sid       = "DenyOldTls"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:*"
          Resource  = [arn, "${arn}/*"]
          Condition = { NumericLessThan = { "s3:TlsVersion" = "1.2" } }
        },
      ]
    }
  }

  # Without a statement for the account itself nobody could change the key's policy any more (KMS developer guide,
  # "Default key policy").
  key_policy = {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TheAccountDecidesByIam"
      Effect    = "Allow"
      Principal = { AWS = "${local.arn}:iam::${var.account.id}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  }

  event_patterns = {
    for name, bucket in var.existing_buckets : name => {
      source        = ["aws.s3"]
      "detail-type" = ["Object Created"]
      detail = merge(
        { bucket = { name = [name] } },
        contains(bucket.prefixes, "") ? {} : { object = { key = [for prefix in bucket.prefixes : { prefix = prefix }] } },
      )
    } if bucket.notification == "eventbridge"
  }
}
