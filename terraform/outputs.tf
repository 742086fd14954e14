output "helm_values" {
  description = "Values for the Helm chart: `terraform output -json helm_values | helm install logscan ../manifests/chart --values -`."
  value       = module.documents.helm_values
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = local.cluster_name
}

output "cluster_endpoint" {
  description = "Endpoint of the cluster's API server, if this module created the cluster."
  value       = one(aws_eks_cluster.this[*].endpoint)
}

output "region" {
  description = "AWS region of all resources."
  value       = local.account.region
}

output "logs_bucket" {
  description = "The bucket for uploaded logs, if this module created it."
  value       = var.logs_bucket.create ? aws_s3_bucket.this["logs"].id : null
}

output "reports_bucket" {
  description = "The bucket for findings."
  value       = module.documents.names.reports_bucket
}

output "queue_url" {
  description = "URL of the queue of object events."
  value       = aws_sqs_queue.main.url
}

output "dead_letter_queue_url" {
  description = "URL of the queue of messages that the operator could not read or could not create a LogScan for."
  value       = aws_sqs_queue.dead_letter.url
}

output "failure_queue_url" {
  description = "URL of the queue of events that the forwarder could not send, each with the reason; null without the forwarder."
  value       = one(module.forwarder[*].failure_queue.url)
}

output "redrive_mapping" {
  description = "UUID of the event source mapping that passes these events to the forwarder again; see docs/operations.md. Null without the forwarder."
  value       = one(module.forwarder[*].redrive_mapping)
}

output "table" {
  description = "The table of results."
  value       = aws_dynamodb_table.results.name
}

output "role_arns" {
  description = "Roles of the operator, the scanner and the forwarder, if there is one."
  value       = { for role, it in aws_iam_role.this : role => it.arn }
}

output "mail_dns_records" {
  description = "CNAME records that verify the mail domain (DKIM)."
  value = [
    for token in try(aws_sesv2_email_identity.sender[0].dkim_signing_attributes[0].tokens, []) :
    { name = "${token}._domainkey.${var.mail.identity}", type = "CNAME", value = "${token}.dkim.amazonses.com" }
  ]
}
