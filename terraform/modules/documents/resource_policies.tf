# Policies of buckets, queues and keys, and the patterns of events from buckets of others.
locals {
  without_tls = {
    Effect    = "Deny"
    Principal = "*"
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }

  queue_arns = merge(
    { main = local.arns.queue, dead_letter = local.arns.dead_letter_queue },
    var.create_forwarder ? { failures = local.arns.failure_queue } : {},
  )

  # Who sends to the queue itself, without the forwarder. The account counts beside the bucket: a bucket that was deleted
  # can be created again, under its name, by anybody.
  from_s3 = {
    Sid       = "TakeWhatS3Announces"
    Effect    = "Allow"
    Principal = { Service = "s3.amazonaws.com" }
    Action    = "sqs:SendMessage"
    Resource  = local.arns.queue
    Condition = {
      ArnEquals    = { "aws:SourceArn" = [for bucket, _ in local.direct_buckets : "${local.arn}:s3:::${bucket}"] }
      StringEquals = { "aws:SourceAccount" = var.account.id }
    }
  }

  # EventBridge has no role of its own for queues, only the queue's word. It keeps what it cannot deliver with the
  # forwarder's failures, and without the forwarder with the dead letters, which have the form that the operator reads.
  from_eventbridge = {
    for queue, arn in local.queue_arns : queue => {
      Sid       = queue == "main" ? "TakeWhatEventBridgeAnnounces" : "KeepWhatEventBridgeCannotDeliver"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = arn
      Condition = { ArnLike = { "aws:SourceArn" = "${local.arn}:events:${local.place}:rule/${var.name}-*" } }
    } if length(local.event_patterns) > 0 && (queue == "failures" || !var.create_forwarder)
  }

  queue_policies = {
    for queue, arn in local.queue_arns : queue => {
      Version = "2012-10-17"
      Statement = concat(
        [merge(local.without_tls, { Sid = "DenyWithoutTls", Action = "sqs:*", Resource = arn })],
        [for statement in [local.from_s3] : statement if queue == "main" && !var.create_forwarder && length(local.direct_buckets) > 0],
        [for to, statement in local.from_eventbridge : statement if to == queue],
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
