# A small node group for the operator, and where scans run: EKS Auto Mode, which has no node while there is no scan, or a
# node group that an autoscaler of yours takes to zero and back.
locals {
  node_groups     = toset(concat(local.create_cluster ? ["operator"] : [], local.scan_group_used ? ["scans"] : []))
  scan_group_used = local.create_cluster && var.scan_nodes.mode == "node-group"
  role_label      = "logscan.dev/role"
  node_policies = merge(
    local.create_cluster ? { group = ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy"] } : {},
    local.auto_mode ? { auto = ["AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly"] } : {},
  )
  scans_taint = { key = local.role_label, value = "scans" }

  operator_group = { instance_types = var.operator_nodes.instance_types, labels = { (local.role_label) = "operator" } }
  scans_group    = { instance_types = var.scan_nodes.instance_types, labels = { (local.role_label) = "scans" } }

  operator_pods = { node_selector = local.create_cluster ? local.operator_group.labels : tomap({}) }
  scan_pods = {
    node_selector = (
      local.auto_mode ? { "eks.amazonaws.com/compute-type" = "auto" } :
      local.scan_group_used ? local.scans_group.labels : tomap({})
    )
    tolerations = local.scan_group_used ? [merge(local.scans_taint, { operator = "Equal", effect = "NoSchedule" })] : []
  }
}

# Two roles: EKS binds a role either to node groups or to Auto Mode, by the type of its access entry.
resource "aws_iam_role" "node" {
  for_each = local.node_policies

  name                 = "${var.name}-node-${each.key}"
  description          = "logscan: nodes (${each.key}), which need no right of logscan's"
  assume_role_policy   = jsonencode(module.documents.service_trusts["node"])
  permissions_boundary = var.permissions_boundary_arn
  tags                 = local.tags
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each = merge([
    for kind, policies in local.node_policies : { for policy in policies : "${kind}/${policy}" => { kind = kind, policy = policy } }
  ]...)

  role       = aws_iam_role.node[each.value.kind].name
  policy_arn = "arn:${local.account.partition}:iam::aws:policy/${each.value.policy}"
}

resource "aws_launch_template" "node" {
  for_each = local.node_groups

  # checkov:skip=CKV_AWS_341:One hop: a pod cannot reach the node's role; only pods in the host's network can.
  name_prefix            = "${var.name}-${each.key}-"
  update_default_version = true
  tags                   = local.tags

  # Pods get the roles that are meant for them, never the node's.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_size           = 30
      volume_type           = "gp3"
      encrypted             = true
      delete_on_termination = true
    }
  }

  tag_specifications {
    resource_type = "instance"
    tags          = merge(local.tags, { Name = "${local.cluster_name}-${each.key}" })
  }
}

resource "aws_eks_node_group" "operator" {
  count = local.create_cluster ? 1 : 0

  cluster_name    = aws_eks_cluster.this[0].name
  node_group_name = "operator"
  node_role_arn   = aws_iam_role.node["group"].arn
  subnet_ids      = local.subnet_ids
  ami_type        = var.operator_nodes.ami_type
  instance_types  = local.operator_group.instance_types
  labels          = local.operator_group.labels
  tags            = local.tags

  launch_template {
    id      = aws_launch_template.node["operator"].id
    version = aws_launch_template.node["operator"].latest_version
  }

  scaling_config {
    min_size     = var.operator_nodes.size
    desired_size = var.operator_nodes.size
    max_size     = var.operator_nodes.size + 1
  }

  update_config {
    max_unavailable = 1
  }

  depends_on = [aws_iam_role_policy_attachment.node, aws_eks_addon.before_nodes]
}

resource "aws_eks_node_group" "scans" {
  count = local.scan_group_used ? 1 : 0

  cluster_name    = aws_eks_cluster.this[0].name
  node_group_name = "scans"
  node_role_arn   = aws_iam_role.node["group"].arn
  subnet_ids      = local.subnet_ids
  ami_type        = var.scan_nodes.ami_type
  capacity_type   = var.scan_nodes.capacity_type
  instance_types  = local.scans_group.instance_types
  labels          = local.scans_group.labels
  # From these the cluster autoscaler knows what a node of an empty group would be like.
  tags = merge(local.tags, {
    "k8s.io/cluster-autoscaler/enabled"                                   = "true"
    "k8s.io/cluster-autoscaler/${local.cluster_name}"                     = "owned"
    "k8s.io/cluster-autoscaler/node-template/label/${local.role_label}"   = "scans"
    "k8s.io/cluster-autoscaler/node-template/taint/${local.role_label}"   = "scans:NoSchedule"
    "k8s.io/cluster-autoscaler/node-template/resources/ephemeral-storage" = "20Gi"
  })

  launch_template {
    id      = aws_launch_template.node["scans"].id
    version = aws_launch_template.node["scans"].latest_version
  }

  taint {
    key    = local.scans_taint.key
    value  = local.scans_taint.value
    effect = "NO_SCHEDULE"
  }

  scaling_config {
    min_size     = 0
    desired_size = 0
    max_size     = var.scan_nodes.max_size
  }

  lifecycle {
    # The autoscaler's to say.
    ignore_changes = [scaling_config[0].desired_size]
  }

  depends_on = [aws_iam_role_policy_attachment.node, aws_eks_addon.before_nodes]
}
