# Needs the AWS provider (its schema), but no account: `terraform init && terraform test`.
mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }

  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
  }

  mock_data "aws_vpc" {
    defaults = { cidr_block = "10.64.0.0/16" }
  }
}

variables {
  cluster = { admin_arns = ["arn:aws:iam::111122223333:role/admin"] }
}

run "everything_made_here" {
  command = plan

  assert {
    condition     = length(aws_subnet.private) == 2 && length(aws_nat_gateway.this) == 1
    error_message = "two zones, one NAT gateway"
  }

  assert {
    condition     = aws_eks_cluster.this[0].vpc_config[0].endpoint_private_access && !aws_eks_cluster.this[0].vpc_config[0].endpoint_public_access
    error_message = "the cluster's endpoint is private unless asked otherwise"
  }

  assert {
    condition     = aws_eks_cluster.this[0].compute_config[0].enabled && length(aws_eks_node_group.scans) == 0
    error_message = "scans run in Auto Mode by default"
  }

  assert {
    condition     = keys(aws_iam_role.node) == ["auto", "group"] && !contains(keys(aws_iam_role_policy_attachment.node), "auto/AmazonEKS_CNI_Policy")
    error_message = "a role is for node groups or for Auto Mode, not for both"
  }

  assert {
    condition     = keys(aws_eks_pod_identity_association.this) == ["operator/logscan", "scanner/logscan"]
    error_message = "both service accounts get their roles before anything is installed"
  }

  assert {
    condition     = alltrue([for t in aws_launch_template.node : t.metadata_options[0].http_put_response_hop_limit == 1])
    error_message = "pods must not reach the node's role"
  }

  assert {
    condition     = toset(keys(aws_vpc_endpoint.interface)) == toset(["sqs", "sts", "eks-auth"])
    error_message = "endpoints for messages and credentials"
  }

  assert {
    condition     = aws_sqs_queue.main.sqs_managed_sse_enabled && aws_dynamodb_table.results.deletion_protection_enabled
    error_message = "safe by default"
  }
}

run "a_group_of_scan_nodes" {
  command = plan

  variables {
    scan_nodes = { mode = "node-group" }
  }

  assert {
    condition     = aws_eks_node_group.scans[0].scaling_config[0].min_size == 0 && !aws_eks_cluster.this[0].compute_config[0].enabled
    error_message = "the group goes down to zero"
  }

  assert {
    condition     = output.helm_values.scanner.tolerations[0].key == "logscan.dev/role"
    error_message = "scans must tolerate the group's taint"
  }
}

run "a_bucket_and_a_cluster_of_others" {
  command = plan

  variables {
    cluster          = { create = false, name = "prod" }
    logs_bucket      = { create = false }
    existing_buckets = { theirs = { prefixes = ["production/"] } }
  }

  assert {
    condition     = length(aws_vpc.this) + length(aws_eks_cluster.this) + length(aws_s3_bucket_notification.direct) == 0
    error_message = "what others own must not be touched"
  }

  assert {
    condition     = keys(aws_cloudwatch_event_rule.uploads) == ["theirs"] && keys(aws_s3_bucket.this) == ["reports"]
    error_message = "their bucket is heard of by EventBridge"
  }
}

run "without_the_forwarder" {
  command = plan

  variables {
    forwarder        = { create = false }
    existing_buckets = { theirs = {} }
  }

  assert {
    condition     = length(module.forwarder) + length(aws_lambda_permission.s3) + length(aws_lambda_permission.eventbridge) == 0
    error_message = "nothing is left of the forwarder"
  }

  assert {
    condition     = !aws_sqs_queue.main.fifo_queue && alltrue([for it in aws_s3_bucket_notification.direct : length(it.queue) == 1 && length(it.lambda_function) == 0])
    error_message = "S3 notifies the standard queue"
  }
}

run "refuses_a_cluster_nobody_can_reach" {
  command = plan
  variables {
    cluster = {}
  }
  expect_failures = [var.cluster]
}

run "refuses_a_cluster_open_to_all" {
  command = plan
  variables {
    cluster = { admin_arns = ["arn:aws:iam::111122223333:role/admin"], public_access_cidrs = ["0.0.0.0/0"] }
  }
  expect_failures = [var.cluster]
}

run "refuses_an_old_cluster" {
  command = plan
  variables {
    cluster = { admin_arns = ["arn:aws:iam::111122223333:role/admin"], version = "1.29" }
  }
  expect_failures = [var.cluster]
}

run "refuses_irsa_without_a_provider" {
  command = plan
  variables {
    cluster     = { create = false, name = "prod" }
    credentials = "irsa"
  }
  # The trust policy cannot be made either.
  expect_failures = [var.credentials]
}

run "refuses_overlapping_prefixes" {
  command = plan
  variables {
    logs_bucket = { prefixes = ["app/", "app/web/"] }
  }
  expect_failures = [var.logs_bucket]
}

run "refuses_a_forwarder_that_never_runs" {
  command = plan
  variables {
    forwarder = { reserved_concurrency = 0 }
  }
  expect_failures = [var.forwarder]
}

run "refuses_one_subnet" {
  command = plan
  variables {
    network = { vpc_id = "vpc-1", subnet_ids = ["subnet-1"] }
  }
  expect_failures = [var.network]
}

run "refuses_a_reports_bucket_of_two_minds" {
  command = plan
  variables {
    reports_bucket = { name = "theirs" }
  }
  expect_failures = [var.reports_bucket]
}
