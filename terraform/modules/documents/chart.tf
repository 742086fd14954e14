# What the Helm chart wants to know. A test holds it against the chart's values schema and renders the chart with it.
locals {
  role_annotations = {
    for role in ["operator", "scanner"] : role => (
      var.credentials == "irsa" ? { "eks.amazonaws.com/role-arn" = local.arns["${role}_role"] } : {}
    )
  }

  tenant_annotations = {
    for namespace, role in local.tenant_roles : namespace => {
      "eks.amazonaws.com/role-arn" = "${local.arn}:iam::${var.account.id}:role/${role}"
    }
  }

  helm_values = {
    aws = {
      region        = var.account.region
      queueUrl      = var.queue_url
      table         = local.names.table
      reportsBucket = local.names.reports_bucket
      mailSender    = try(var.mail.sender, "")
    }
    nodeSelector    = var.operator_pods.node_selector
    tolerations     = var.operator_pods.tolerations
    watchNamespaces = keys(local.tenants)
    allowedBuckets  = local.tenants
    allowedRoles    = var.allowed_roles
    settings        = { externalIdPrefix = var.external_id_prefix }
    serviceAccount  = { annotations = local.role_annotations.operator }
    scanner = {
      serviceAccount = {
        annotations = local.role_annotations.scanner
        namespaces  = var.credentials == "irsa" ? local.tenant_annotations : {}
      }
      nodeSelector = var.scan_pods.node_selector
      tolerations  = var.scan_pods.tolerations
    }
  }
}
