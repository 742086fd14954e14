# One row for each scan's result. Its shape is that of `logscan_api.table`.
resource "aws_dynamodb_table" "results" {
  # checkov:skip=CKV_AWS_28:On unless table.point_in_time_recovery says otherwise.
  # checkov:skip=CKV_AWS_119:Encrypted by a key that AWS owns unless kms_key_arn is given.
  name                        = module.documents.names.table
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = module.documents.table.hash_key
  range_key                   = module.documents.table.range_key
  deletion_protection_enabled = var.table.deletion_protection
  tags                        = local.tags

  dynamic "attribute" {
    for_each = toset(concat(
      [module.documents.table.hash_key, module.documents.table.range_key],
      flatten([for index in module.documents.table.indexes : [index.hash_key, index.range_key]]),
    ))

    content {
      name = attribute.value
      type = "S"
    }
  }

  # hash_key and range_key of an index are deprecated since provider 6.29, but key_schema is unknown to the lower bound
  # of versions.tf, and rebuilt every index when it came.
  dynamic "global_secondary_index" {
    for_each = module.documents.table.indexes

    content {
      name               = global_secondary_index.key
      hash_key           = global_secondary_index.value.hash_key
      range_key          = global_secondary_index.value.range_key
      projection_type    = "INCLUDE"
      non_key_attributes = module.documents.table.projected
    }
  }

  ttl {
    attribute_name = module.documents.table.ttl_attribute
    enabled        = true
  }

  point_in_time_recovery {
    enabled = var.table.point_in_time_recovery
  }

  server_side_encryption {
    enabled     = var.kms_key_arn != null
    kms_key_arn = var.kms_key_arn
  }
}
