# The logs bucket (or those of others) and the bucket for reports.
locals {
  buckets = merge(
    var.logs_bucket.create ? {
      logs = {
        name            = module.documents.names.logs_bucket
        force_destroy   = var.logs_bucket.force_destroy
        expire_days     = var.logs_bucket.expire_days
        noncurrent_days = var.logs_bucket.noncurrent_days
      }
    } : {},
    var.reports_bucket.create ? {
      reports = {
        name            = module.documents.names.reports_bucket
        force_destroy   = var.reports_bucket.force_destroy
        expire_days     = var.reports_bucket.expire_days
        noncurrent_days = 1
      }
    } : {},
  )
}

resource "aws_s3_bucket" "this" {
  for_each = local.buckets

  # checkov:skip=CKV_AWS_144:Logs are copied here from where they arise; replication is the owner's choice.
  # checkov:skip=CKV_AWS_145:SSE-S3 unless kms_key_arn is given; a KMS key costs a request for every object.
  # checkov:skip=CKV2_AWS_62:The reports bucket notifies nobody, or reports would be scanned.
  # checkov:skip=CKV_AWS_18:Access logs are written where access_log_bucket names a bucket; there is no sensible default.
  bucket        = each.value.name
  force_destroy = each.value.force_destroy
  tags          = local.tags
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = local.buckets

  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id
  policy = jsonencode(module.documents.bucket_policies[each.key])

  # A bucket takes one change of its access settings at a time.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = local.buckets

  # checkov:skip=CKV_AWS_300:The first rule does; the check does not read an empty filter as every object.
  bucket = aws_s3_bucket.this[each.key].id

  rule {
    id     = "abort-multipart"
    status = "Enabled"
    filter {}

    # Parts of an upload that never ended are paid for and shown nowhere.
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  rule {
    id     = "expire-noncurrent"
    status = "Enabled"
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = each.value.noncurrent_days
    }
  }

  dynamic "rule" {
    for_each = each.value.expire_days == null ? [] : [each.value.expire_days]

    content {
      id     = "expire"
      status = "Enabled"
      filter {}

      expiration {
        days = rule.value
      }
    }
  }

  # Lifecycle rules on versions are refused before versioning is on.
  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_logging" "this" {
  for_each = var.access_log_bucket == null ? {} : local.buckets

  bucket        = aws_s3_bucket.this[each.key].id
  target_bucket = var.access_log_bucket
  target_prefix = "${each.value.name}/"
}
