data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

# Names, policies and shapes, computed without a provider: see modules/documents.
module "documents" {
  source = "./modules/documents"

  name                    = var.name
  account                 = local.account
  create_logs_bucket      = var.logs_bucket.create
  logs_bucket_name        = var.logs_bucket.name
  prefixes                = var.logs_bucket.prefixes
  existing_buckets        = var.existing_buckets
  inventories             = var.inventories
  existing_reports_bucket = var.reports_bucket.create ? null : var.reports_bucket.name
  queue                   = var.queue
  mail                    = var.mail == null ? null : { identity = var.mail.identity, sender = var.mail.sender }
  topic_arns              = var.topic_arns
  event_bus_arns          = var.event_bus_arns
  kms_key_arn             = var.kms_key_arn
  cluster_name            = local.cluster_name
  oidc_provider_arn       = local.oidc_provider_arn
  credentials             = var.credentials
  namespaces              = var.namespaces
  allowed_roles           = var.allowed_roles
  external_id_prefix      = var.external_id_prefix
  tag_objects             = var.tag_objects
  tenant_recipients       = var.tenant_recipients
  tenant_topic_arns       = var.tenant_topic_arns
  tenant_event_bus_arns   = var.tenant_event_bus_arns
  queue_url               = aws_sqs_queue.main.url
  operator_pods           = local.operator_pods
  scan_pods               = local.scan_pods

  create_forwarder          = var.forwarder.create
  forwarder_timeout_seconds = var.forwarder.timeout_seconds
}

# S3 cannot notify a FIFO queue itself. Without the forwarder, uploads go to a standard queue: see notifications.tf.
module "forwarder" {
  source = "./modules/forwarder"
  count  = var.forwarder.create ? 1 : 0

  name        = module.documents.names.forwarder
  log_group   = module.documents.names.forwarder_log
  role_arn    = aws_iam_role.this["forwarder"].arn
  queue       = { name = module.documents.names.queue, url = aws_sqs_queue.main.url }
  function    = var.forwarder
  kms_key_arn = var.kms_key_arn
  tags        = local.tags
  failure_queue = {
    name                       = module.documents.names.failure_queue
    message_retention_seconds  = module.documents.queues.failures.message_retention_seconds
    visibility_timeout_seconds = module.documents.queues.failures.visibility_timeout_seconds
    policy                     = jsonencode(module.documents.queue_policies.failures)
  }

  # The role must be able to read and write before anything uses it.
  depends_on = [aws_iam_role_policy.this]
}

locals {
  account = {
    id        = data.aws_caller_identity.current.account_id
    region    = data.aws_region.current.region
    partition = data.aws_partition.current.partition
  }
  tags = merge({ "app.kubernetes.io/part-of" = "logscan" }, var.tags)
}
