# VPC endpoints. S3 and DynamoDB by gateway, which costs nothing; interfaces are paid by the hour and zone.
resource "aws_vpc_endpoint" "gateway" {
  for_each = local.create_cluster && length(local.route_table_ids) > 0 ? toset(["s3", "dynamodb"]) : toset([])

  vpc_id            = local.vpc_id
  service_name      = "com.amazonaws.${local.account.region}.${each.value}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = local.route_table_ids
  tags              = merge(local.tags, { Name = "${var.name}-${each.value}" })
}

resource "aws_vpc_endpoint" "interface" {
  for_each = local.create_cluster ? toset(var.interface_endpoints) : toset([])

  vpc_id              = local.vpc_id
  service_name        = "com.amazonaws.${local.account.region}.${each.value}"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = local.subnet_ids
  security_group_ids  = [aws_security_group.endpoints[0].id]
  private_dns_enabled = true
  tags                = merge(local.tags, { Name = "${var.name}-${each.value}" })
}

data "aws_vpc" "cluster" {
  count = local.create_cluster ? 1 : 0

  id = local.vpc_id
}

resource "aws_security_group" "endpoints" {
  count = local.create_cluster ? 1 : 0

  name_prefix = "${var.name}-endpoints-"
  description = "HTTPS from the VPC to logscan's endpoints"
  vpc_id      = local.vpc_id
  tags        = local.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  count = local.create_cluster ? 1 : 0

  security_group_id = aws_security_group.endpoints[0].id
  description       = "HTTPS from the VPC"
  cidr_ipv4         = data.aws_vpc.cluster[0].cidr_block
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = local.tags
}
