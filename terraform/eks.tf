# The cluster, or the one that is there already (cluster.create = false).
locals {
  create_cluster    = var.cluster.create
  cluster_name      = coalesce(var.cluster.name, var.name)
  oidc_provider_arn = local.create_cluster ? one(aws_iam_openid_connect_provider.cluster[*].arn) : var.cluster.oidc_provider_arn
  auto_mode         = local.create_cluster && var.scan_nodes.mode == "auto"
  # Auto Mode brings these itself, but only to its own nodes; the operator runs on a managed node group.
  addons = local.create_cluster ? toset(["vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent"]) : toset([])
}

resource "aws_cloudwatch_log_group" "cluster" {
  count = local.create_cluster ? 1 : 0

  # checkov:skip=CKV_AWS_338:Thirty days of audit log unless cluster.log_retention_days says otherwise.
  # checkov:skip=CKV_AWS_158:Encrypted by CloudWatch Logs itself unless kms_key_arn is given.
  name              = "/aws/eks/${local.cluster_name}/cluster"
  retention_in_days = var.cluster.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = local.tags
}

resource "aws_kms_key" "cluster" {
  count = local.create_cluster ? 1 : 0

  description             = "Secrets of the EKS cluster ${local.cluster_name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = jsonencode(module.documents.key_policy)
  tags                    = local.tags
}

resource "aws_eks_cluster" "this" {
  count = local.create_cluster ? 1 : 0

  # checkov:skip=CKV_AWS_39:The public endpoint is off unless public_access_cidrs names who may reach it.
  # checkov:skip=CKV_AWS_38:A validation refuses 0.0.0.0/0 there.
  # checkov:skip=CKV_AWS_339:A validation keeps the version to supported ones; the check's list is older than this.
  name                          = local.cluster_name
  role_arn                      = aws_iam_role.cluster[0].arn
  version                       = var.cluster.version
  enabled_cluster_log_types     = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
  bootstrap_self_managed_addons = false
  deletion_protection           = var.cluster.deletion_protection
  tags                          = local.tags

  access_config {
    authentication_mode = "API"
    # Who applies is no administrator for ever: cluster.admin_arns names them.
    bootstrap_cluster_creator_admin_permissions = false
  }

  upgrade_policy {
    support_type = "STANDARD"
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = aws_kms_key.cluster[0].arn
    }
  }

  vpc_config {
    subnet_ids              = local.subnet_ids
    endpoint_private_access = true
    endpoint_public_access  = length(var.cluster.public_access_cidrs) > 0
    public_access_cidrs     = length(var.cluster.public_access_cidrs) > 0 ? var.cluster.public_access_cidrs : null
  }

  # Auto Mode: all three, or EKS refuses.
  compute_config {
    enabled       = local.auto_mode
    node_pools    = local.auto_mode ? ["general-purpose"] : null
    node_role_arn = local.auto_mode ? aws_iam_role.node["auto"].arn : null
  }

  kubernetes_network_config {
    elastic_load_balancing {
      enabled = local.auto_mode
    }
  }

  storage_config {
    block_storage {
      enabled = local.auto_mode
    }
  }

  depends_on = [
    aws_cloudwatch_log_group.cluster,
    aws_iam_role_policy_attachment.cluster,
    aws_iam_role_policy_attachment.node,
    aws_iam_role_policy.cluster_key,
  ]
}

resource "aws_iam_role" "cluster" {
  count = local.create_cluster ? 1 : 0

  name                 = "${var.name}-cluster"
  description          = "logscan: the EKS control plane"
  assume_role_policy   = jsonencode(module.documents.service_trusts["cluster"])
  permissions_boundary = var.permissions_boundary_arn
  tags                 = local.tags
}

resource "aws_iam_role_policy_attachment" "cluster" {
  for_each = local.create_cluster ? toset(concat(
    ["AmazonEKSClusterPolicy"],
    local.auto_mode ? [
      "AmazonEKSComputePolicy",
      "AmazonEKSBlockStoragePolicy",
      "AmazonEKSLoadBalancingPolicy",
      "AmazonEKSNetworkingPolicy",
    ] : [],
  )) : toset([])

  role       = aws_iam_role.cluster[0].name
  policy_arn = "arn:${local.account.partition}:iam::aws:policy/${each.value}"
}

resource "aws_iam_role_policy" "cluster_key" {
  count = local.create_cluster ? 1 : 0

  name = "secrets-key"
  role = aws_iam_role.cluster[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "EncryptSecrets"
      Effect   = "Allow"
      Action   = ["kms:Encrypt", "kms:Decrypt", "kms:ListGrants", "kms:DescribeKey"]
      Resource = [aws_kms_key.cluster[0].arn]
    }]
  })
}

resource "aws_eks_access_entry" "admin" {
  for_each = local.create_cluster ? toset(var.cluster.admin_arns) : toset([])

  cluster_name  = aws_eks_cluster.this[0].name
  principal_arn = each.value
  tags          = local.tags
}

resource "aws_eks_access_policy_association" "admin" {
  for_each = aws_eks_access_entry.admin

  cluster_name  = each.value.cluster_name
  principal_arn = each.value.principal_arn
  policy_arn    = "arn:${local.account.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }
}

# The network and the agent of Pod Identity before the nodes, so that no pod starts without them.
resource "aws_eks_addon" "before_nodes" {
  for_each = setintersection(local.addons, ["vpc-cni", "kube-proxy", "eks-pod-identity-agent"])

  cluster_name                = aws_eks_cluster.this[0].name
  addon_name                  = each.value
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"
  # The chart's NetworkPolicies mean nothing without.
  configuration_values = each.value == "vpc-cni" ? jsonencode({ enableNetworkPolicy = "true" }) : null
  tags                 = local.tags
}

resource "aws_eks_addon" "after_nodes" {
  for_each = setintersection(local.addons, ["coredns"])

  cluster_name                = aws_eks_cluster.this[0].name
  addon_name                  = each.value
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"
  tags                        = local.tags

  depends_on = [aws_eks_node_group.operator]
}
