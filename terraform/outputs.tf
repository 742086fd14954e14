output "helm_values" {
  description = "Values for the Helm chart: `terraform output -json helm_values | helm install logscan ../manifests/chart --values -`."
  value       = module.documents.helm_values
}

output "cluster_name" {
  description = "The cluster."
  value       = local.cluster_name
}

output "cluster_endpoint" {
  description = "Address of the cluster's API, if it was made here."
  value       = one(aws_eks_cluster.this[*].endpoint)
}

output "region" {
  description = "Where everything is."
  value       = local.account.region
}

output "logs_bucket" {
  description = "The bucket to upload to, if it was made here."
  value       = var.logs_bucket.create ? aws_s3_bucket.this["logs"].id : null
}

output "reports_bucket" {
  description = "The bucket with the findings."
  value       = module.documents.names.reports_bucket
}

output "queue_url" {
  description = "The queue with object events."
  value       = aws_sqs_queue.main.url
}

output "dead_letter_queue_url" {
  description = "Messages that the operator could not read, or for which it could not create a LogScan."
  value       = aws_sqs_queue.dead_letter.url
}

output "failure_queue_url" {
  description = "Events that the forwarder could not send, with the reason."
  value       = aws_sqs_queue.failures.url
}

output "redrive_mapping" {
  description = "UUID of the event source mapping that hands those events to the forwarder again; see docs/operations.md."
  value       = aws_lambda_event_source_mapping.redrive.id
}

output "table" {
  description = "The table with the results."
  value       = aws_dynamodb_table.results.name
}

output "role_arns" {
  description = "Roles of operator, scanner and forwarder."
  value       = { for role, it in aws_iam_role.this : role => it.arn }
}

output "mail_dns_records" {
  description = "CNAME records that verify the mail domain (DKIM)."
  value = [
    for token in try(aws_sesv2_email_identity.sender[0].dkim_signing_attributes[0].tokens, []) :
    { name = "${token}._domainkey.${var.mail.identity}", type = "CNAME", value = "${token}.dkim.amazonses.com" }
  ]
}
