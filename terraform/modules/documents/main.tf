# Names, and the ARNs that follow from them: policies are known before anything exists, and no two resources wait for
# each other.
locals {
  place = "${var.account.region}:${var.account.id}"
  # S3 and EventBridge can feed a standard queue themselves; the forwarder feeds a FIFO queue. A dead-letter queue is of
  # the kind of its source.
  fifo = var.create_forwarder ? ".fifo" : ""
  names = {
    queue             = "${var.name}${local.fifo}"
    dead_letter_queue = "${var.name}-dlq${local.fifo}"
    # Standard: neither a Lambda destination nor a Lambda dead-letter queue may be FIFO.
    failure_queue  = "${var.name}-ingest-failures"
    table          = "${var.name}-results"
    forwarder      = "${var.name}-forwarder"
    forwarder_log  = "/aws/lambda/${var.name}-forwarder"
    operator_role  = "${var.name}-operator"
    scanner_role   = "${var.name}-scanner"
    logs_bucket    = coalesce(var.logs_bucket_name, "${var.name}-logs-${var.account.id}-${var.account.region}")
    reports_bucket = coalesce(var.existing_reports_bucket, "${var.name}-reports-${var.account.id}-${var.account.region}")
  }

  # Namespaces of tenants: each has a scanner's role of its own. A role's name has at most 64 characters.
  tenants = { for namespace, buckets in var.namespaces.scans : namespace => buckets if namespace != var.namespaces.operator }
  tenant_roles = {
    for namespace, _ in local.tenants : namespace => (
      length("${local.names.scanner_role}-${namespace}") <= 64 ? "${local.names.scanner_role}-${namespace}" :
      "${local.names.scanner_role}-${substr(sha256(namespace), 0, 16)}"
    )
  }

  arn = "arn:${var.account.partition}"
  arns = {
    queue             = "${local.arn}:sqs:${local.place}:${local.names.queue}"
    dead_letter_queue = "${local.arn}:sqs:${local.place}:${local.names.dead_letter_queue}"
    failure_queue     = "${local.arn}:sqs:${local.place}:${local.names.failure_queue}"
    table             = "${local.arn}:dynamodb:${local.place}:table/${local.names.table}"
    forwarder         = "${local.arn}:lambda:${local.place}:function:${local.names.forwarder}"
    forwarder_log     = "${local.arn}:logs:${local.place}:log-group:${local.names.forwarder_log}"
    cluster           = "${local.arn}:eks:${local.place}:cluster/${var.cluster_name}"
    operator_role     = "${local.arn}:iam::${var.account.id}:role/${local.names.operator_role}"
    scanner_role      = "${local.arn}:iam::${var.account.id}:role/${local.names.scanner_role}"
    reports_bucket    = "${local.arn}:s3:::${local.names.reports_bucket}"
  }

  # Every bucket that is scanned, with its prefixes.
  scanned = merge(
    var.create_logs_bucket ? { (local.names.logs_bucket) = var.prefixes } : {},
    { for name, bucket in var.existing_buckets : name => bucket.prefixes },
  )

  # Buckets whose notification configuration is written here, with their prefixes.
  direct_buckets = merge(
    var.create_logs_bucket ? { (local.names.logs_bucket) = var.prefixes } : {},
    { for name, bucket in var.existing_buckets : name => bucket.prefixes if bucket.notification == "direct" },
  )
}
