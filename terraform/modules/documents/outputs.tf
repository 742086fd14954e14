output "names" {
  description = "Names of everything."
  value       = local.names
}

output "arns" {
  description = "ARNs that follow from the names."
  value       = local.arns
}

output "policies" {
  description = "Policy documents of operator, scanner and forwarder."
  value       = local.policies
}

output "tenant_policies" {
  description = "Policy document of the scanner's role of each tenant's namespace."
  value       = local.tenant_policies
}

output "tenant_roles" {
  description = "Name of the scanner's role of each tenant's namespace."
  value       = local.tenant_roles
}

output "pod_trusts" {
  description = "Trust policies of the operator's role, of the scanner's, and of that of each tenant (scanner/NAMESPACE)."
  value       = local.pod_trusts
}

output "service_trusts" {
  description = "Trust policies of the forwarder, the cluster and its nodes."
  value       = local.service_trusts
}

output "service_accounts" {
  description = "Service accounts of operator and scanner: name and namespaces."
  value       = local.service_accounts
}

output "queues" {
  description = "Attributes of the queues; the one of failures is the forwarder's."
  value       = local.queues
}

output "direct_buckets" {
  description = "Buckets whose notification configuration this module writes, with their prefixes."
  value       = local.direct_buckets
}

output "filter_prefixes" {
  description = "Prefixes as S3's notification filters want them, by bucket and prefix."
  value       = local.filter_prefixes
}

output "table" {
  description = "Keys, indexes and TTL attribute of the table."
  value       = local.table
}

output "queue_policies" {
  description = "Resource policies of the queues."
  value       = local.queue_policies
}

output "bucket_policies" {
  description = "Resource policies of the buckets."
  value       = local.bucket_policies
}

output "key_policy" {
  description = "Policy of a KMS key that this account's IAM decides about."
  value       = local.key_policy
}

output "event_patterns" {
  description = "EventBridge patterns of uploads to buckets of others, by bucket."
  value       = local.event_patterns
}

output "helm_values" {
  description = "Values for the Helm chart."
  value       = local.helm_values
}
