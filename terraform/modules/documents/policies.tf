# What each role may do. The templates are shared with the stacks on one machine, whose emulator evaluates them; a
# statement whose resources come out empty (no mail, no topic, no key) is left out.
locals {
  policy_values = {
    queue_arns           = [local.arns.queue]
    table_arns           = [local.arns.table]
    forwarder_queue_arns = [local.arns.queue, local.arns.failure_queue]
    failure_queue_arns   = [local.arns.failure_queue]
    forwarder_log_arns   = ["${local.arns.forwarder_log}:*"]
    log_bucket_arns      = [for bucket, _ in local.scanned : "${local.arn}:s3:::${bucket}"]
    log_object_arns = flatten([
      for bucket, prefixes in local.scanned : [for prefix in prefixes : "${local.arn}:s3:::${bucket}/${prefix}*"]
    ])
    report_object_arns = ["${local.arns.reports_bucket}/*"]
    mail_identity_arns = var.mail == null ? [] : ["${local.arn}:ses:${local.place}:identity/${var.mail.identity}"]
    mail_senders       = var.mail == null ? [] : [var.mail.sender]
    topic_arns         = var.topic_arns
    key_arns           = compact([var.kms_key_arn])
    log_key_arns       = distinct(compact([for bucket in var.existing_buckets : bucket.kms_key_arn]))
  }

  # What the scanner of a tenant's namespace may do: the same, with its own buckets, rows and reports. Rows are bound by
  # their partition key, which starts with the namespace.
  tenant_values = {
    for namespace, buckets in local.tenants : namespace => merge(local.policy_values, {
      log_bucket_arns = [for bucket in buckets : "${local.arn}:s3:::${bucket}"]
      log_object_arns = flatten([
        for bucket in buckets : [
          for prefix in lookup(local.scanned, bucket, [""]) : "${local.arn}:s3:::${bucket}/${prefix}*"
        ]
      ])
      log_key_arns       = distinct(compact([for bucket in buckets : try(var.existing_buckets[bucket].kms_key_arn, null)]))
      report_object_arns = ["${local.arns.reports_bucket}/${namespace}/*"]
      mail_identity_arns = length(var.tenant_recipients) == 0 ? [] : local.policy_values.mail_identity_arns
      topic_arns         = var.tenant_topic_arns
    })
  }

  tenant_conditions = {
    for namespace, _ in local.tenants : namespace => {
      ReadAndWriteResults = { Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["${namespace}#*"] } } }
      SendMail = {
        Condition = {
          StringEquals              = { "ses:FromAddress" = local.policy_values.mail_senders }
          "ForAllValues:StringLike" = { "ses:Recipients" = var.tenant_recipients }
        }
      }
    }
  }

  tenant_policies = {
    for namespace, values in local.tenant_values : namespace => {
      Version = "2012-10-17"
      Statement = [
        for statement in jsondecode(templatefile(
          "${path.module}/policies/scanner.json.tftpl",
          { for name, value in values : name => jsonencode(value) },
        )).Statement : merge(statement, try(local.tenant_conditions[namespace][statement.Sid], {}))
        if length(statement.Resource) > 0
      ]
    }
  }

  policies = {
    for role in ["operator", "scanner", "forwarder"] : role => {
      Version = "2012-10-17"
      Statement = [
        for statement in jsondecode(templatefile(
          "${path.module}/policies/${role}.json.tftpl",
          { for name, value in local.policy_values : name => jsonencode(value) },
        )).Statement : statement if length(statement.Resource) > 0
      ]
    }
  }
}
