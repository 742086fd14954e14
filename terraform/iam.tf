# A role for the operator, the scanner and the forwarder each, and one for the scans of each tenant's namespace. Each has what it calls and nothing else;
# modules/documents/policies has the documents.
locals {
  tenant_roles = { for namespace, name in module.documents.tenant_roles : "scanner/${namespace}" => {
    name   = name
    trust  = module.documents.pod_trusts["scanner/${namespace}"]
    policy = module.documents.tenant_policies[namespace]
  } }
}

resource "aws_iam_role" "this" {
  for_each = merge(
    {
      operator = { name = module.documents.names.operator_role, trust = module.documents.pod_trusts["operator"] }
      scanner  = { name = module.documents.names.scanner_role, trust = module.documents.pod_trusts["scanner"] }
    },
    var.forwarder.create ? {
      forwarder = { name = module.documents.names.forwarder, trust = module.documents.service_trusts["forwarder"] }
    } : {},
    { for key, role in local.tenant_roles : key => { name = role.name, trust = role.trust } },
  )

  name                 = each.value.name
  description          = "logscan: ${each.key}"
  assume_role_policy   = jsonencode(each.value.trust)
  permissions_boundary = var.permissions_boundary_arn
  tags                 = local.tags
}

resource "aws_iam_role_policy" "this" {
  for_each = aws_iam_role.this

  name   = replace(each.key, "/", "-")
  role   = each.value.id
  policy = jsonencode(try(local.tenant_roles[each.key].policy, module.documents.policies[each.key]))
}

# Pod Identity. The associations come before `helm install`: credentials are given to a pod when it is created, and a
# pod that was created before its association would silently have none.
resource "aws_eks_pod_identity_association" "this" {
  for_each = var.credentials == "pod-identity" ? merge(
    {
      for role in ["operator", "scanner"] : "${role}/${var.namespaces.operator}" => {
        role            = role
        namespace       = var.namespaces.operator
        service_account = module.documents.service_accounts[role].name
      }
    },
    {
      for namespace, _ in module.documents.tenant_roles : "scanner/${namespace}" => {
        role            = "scanner/${namespace}"
        namespace       = namespace
        service_account = module.documents.service_accounts["scanner"].name
      }
    },
  ) : {}

  cluster_name    = local.cluster_name
  namespace       = each.value.namespace
  service_account = each.value.service_account
  role_arn        = aws_iam_role.this[each.value.role].arn
  tags            = local.tags

  depends_on = [aws_iam_role_policy.this, aws_eks_cluster.this]
}

# IRSA in a cluster made here. A cluster that was there already has its provider, or gets one from whoever owns it.
resource "aws_iam_openid_connect_provider" "cluster" {
  count = local.create_cluster && var.credentials == "irsa" ? 1 : 0

  url            = aws_eks_cluster.this[0].identity[0].oidc[0].issuer
  client_id_list = ["sts.amazonaws.com"]
  tags           = local.tags
}
