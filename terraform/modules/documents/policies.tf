# What each role may do. The templates are shared with the stacks on one machine, whose emulator evaluates them; a
# statement whose resources come out empty (no mail, no topic, no key) is left out.
locals {
  shared_values = {
    queue_arns           = [local.arns.queue]
    watched_queue_arns   = [local.arns.queue, local.arns.dead_letter_queue]
    table_arns           = [local.arns.table]
    forwarder_queue_arns = [local.arns.queue, local.arns.failure_queue]
    failure_queue_arns   = [local.arns.failure_queue]
    forwarder_log_arns   = ["${local.arns.forwarder_log}:*"]
    log_bucket_arns      = [for bucket, _ in local.scanned : "${local.arn}:s3:::${bucket}"]
    log_object_arns = flatten([
      for bucket, prefixes in local.scanned : [for prefix in prefixes : "${local.arn}:s3:::${bucket}/${prefix}*"]
    ])
    inventory_object_arns = flatten([
      for bucket, list in var.inventories : [for prefix in list.prefixes : "${local.arn}:s3:::${bucket}/${prefix}*"]
    ])
    inventory_key_arns = distinct(compact([for list in var.inventories : list.kms_key_arn]))
    report_object_arns = ["${local.arns.reports_bucket}/*"]
    mail_identity_arns = var.mail == null ? [] : ["${local.arn}:ses:${local.place}:identity/${var.mail.identity}"]
    mail_senders       = var.mail == null ? [] : [var.mail.sender]
    topic_arns         = var.topic_arns
    event_bus_arns     = var.event_bus_arns
    key_arns           = compact([var.kms_key_arn])
    log_key_arns       = distinct(compact([for bucket in var.existing_buckets : bucket.kms_key_arn]))
  }

  # The operator lists in the roles of all namespaces; a scanner assumes those of its own.
  policy_values = {
    for role in ["operator", "scanner", "forwarder"] : role => merge(local.shared_values, {
      log_role_arns      = role == "operator" ? distinct(flatten(values(var.allowed_roles))) : lookup(var.allowed_roles, var.namespaces.operator, [])
      tagged_object_arns = var.tag_objects ? local.shared_values.log_object_arns : []
    })
  }

  tenant_object_arns = {
    for namespace, buckets in local.tenants : namespace => flatten([
      for bucket in buckets : [
        for prefix in lookup(local.scanned, bucket, [""]) : "${local.arn}:s3:::${bucket}/${prefix}*"
      ]
    ])
  }

  # What the scanner of a tenant's namespace may do: the same, with its own buckets, rows and reports. Rows are bound by
  # their partition key, which starts with the namespace.
  tenant_values = {
    for namespace, buckets in local.tenants : namespace => merge(local.shared_values, {
      log_role_arns      = lookup(var.allowed_roles, namespace, [])
      log_bucket_arns    = [for bucket in buckets : "${local.arn}:s3:::${bucket}"]
      log_object_arns    = local.tenant_object_arns[namespace]
      tagged_object_arns = var.tag_objects ? local.tenant_object_arns[namespace] : []
      log_key_arns       = distinct(compact([for bucket in buckets : try(var.existing_buckets[bucket].kms_key_arn, null)]))
      report_object_arns = ["${local.arns.reports_bucket}/${namespace}/*"]
      mail_identity_arns = length(var.tenant_recipients) == 0 ? [] : local.shared_values.mail_identity_arns
      topic_arns         = var.tenant_topic_arns
      event_bus_arns     = var.tenant_event_bus_arns
    })
  }

  # The account of a bucket, by namespace, the empty one for the other roles: a bucket that was deleted can be created again, under its name, by anybody.
  own_account = { StringEquals = { "aws:ResourceAccount" = [var.account.id] } }
  log_accounts = {
    for role, buckets in merge({ "" = keys(local.scanned) }, local.tenants) : role => {
      StringEquals = {
        "aws:ResourceAccount" = distinct([
          for bucket in buckets : coalesce(try(var.existing_buckets[bucket].account_id, null), var.account.id)
        ])
      }
    }
  }

  # The key is used through these services only, never by itself.
  dns_suffix = var.account.partition == "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com"
  via = {
    for statement, services in {
      EncryptMessages                        = ["sqs"]
      DecryptMessagesAndResults              = ["sqs", "dynamodb"]
      DecryptLogsAndEncryptReportsAndResults = ["s3", "dynamodb"]
      DecryptLogsOfOthers                    = ["s3"]
      DecryptInventories                     = ["s3"]
      } : statement => {
      StringEquals = {
        "kms:ViaService" = [for service in services : "${service}.${var.account.region}.${local.dns_suffix}"]
      }
    }
  }

  # A role is assumed with the external id of the namespace that it is assumed for, which its trust policy asks for: whoever takes
  # over a pod can name no other one.
  external_ids = {
    for role, namespaces in merge(
      { operator = keys(var.allowed_roles), scanner = [var.namespaces.operator] },
      { for namespace, _ in local.tenants : "scanner/${namespace}" => [namespace] },
      ) : role => {
      StringEquals = { "sts:ExternalId" = [for namespace in namespaces : "${var.external_id_prefix}:${namespace}"] }
    }
  }

  # Conditions by statement, beside those of the templates. The emulator of the stack on one machine knows none of their keys.
  conditions = {
    for role, accounts in local.log_accounts : role => merge(local.via, {
      ListLogs                         = accounts
      ReadLogs                         = accounts
      TagLogs                          = accounts
      ListLogsAndTellMissingFromDenied = accounts
      WriteReports                     = local.own_account
      ReadInventories = {
        StringEquals = {
          "aws:ResourceAccount" = distinct([for list in var.inventories : coalesce(list.account_id, var.account.id)])
        }
      }
    })
  }

  role_conditions = {
    operator  = merge(local.conditions[""], { AssumeRolesOfBuckets = local.external_ids.operator })
    scanner   = merge(local.conditions[""], { AssumeRolesOfBuckets = local.external_ids.scanner })
    forwarder = local.conditions[""]
  }

  tenant_conditions = {
    for namespace, _ in local.tenants : namespace => merge(local.conditions[namespace], {
      AssumeRolesOfBuckets = local.external_ids["scanner/${namespace}"]
      ReadAndWriteResults  = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["${namespace}#*"] } }
      SendMail = {
        StringEquals              = { "ses:FromAddress" = local.shared_values.mail_senders }
        "ForAllValues:StringLike" = { "ses:Recipients" = var.tenant_recipients }
      }
    })
  }

  tenant_policies = {
    for namespace, values in local.tenant_values : namespace => {
      Version = "2012-10-17"
      Statement = [
        for statement in jsondecode(templatefile(
          "${path.module}/policies/scanner.json.tftpl",
          { for name, value in values : name => jsonencode(value) },
          )).Statement : merge(
          statement,
          { for condition in [try(local.tenant_conditions[namespace][statement.Sid], null)] : "Condition" => condition if condition != null },
        )
        if length(statement.Resource) > 0
      ]
    }
  }

  policies = {
    for role in concat(["operator", "scanner"], var.create_forwarder ? ["forwarder"] : []) : role => {
      Version = "2012-10-17"
      Statement = [
        for statement in jsondecode(templatefile(
          "${path.module}/policies/${role}.json.tftpl",
          { for name, value in local.policy_values[role] : name => jsonencode(value) },
          )).Statement : merge(
          statement,
          { for condition in [try(local.role_conditions[role][statement.Sid], null)] : "Condition" => condition if condition != null },
        )
        if length(statement.Resource) > 0
      ]
    }
  }
}
