# The shape of queues and table. A test compares both with what `logscan-local` creates.
locals {
  day = 24 * 3600

  queues = {
    main = {
      fifo_queue = var.create_forwarder
      # High throughput: both, and from the start. The group is the object, so ids need to be unique within it only.
      deduplication_scope   = var.create_forwarder ? "messageGroup" : null
      fifo_throughput_limit = var.create_forwarder ? "perMessageGroupId" : null
      # Off, so that a sender without an id is refused: a hash of the body would tell two events of one object apart by time.
      content_based_deduplication = var.create_forwarder ? false : null
      visibility_timeout_seconds  = var.queue.visibility_seconds
      receive_wait_time_seconds   = var.queue.receive_wait_seconds
      message_retention_seconds   = var.queue.retention_days * local.day
      redrive_policy              = { deadLetterTargetArn = local.arns.dead_letter_queue, maxReceiveCount = var.queue.max_receives }
    }
    dead_letter = {
      fifo_queue = var.create_forwarder
      # The time in the first queue counts: a dead letter must not expire on arrival.
      message_retention_seconds = 14 * local.day
      redrive_allow_policy      = { redrivePermission = "byQueue", sourceQueueArns = [local.arns.queue] }
    }
    failures = {
      fifo_queue                = false
      message_retention_seconds = 14 * local.day
      # Six times the function's timeout, as Lambda's developer guide asks of a queue that a function reads.
      visibility_timeout_seconds = 6 * var.forwarder_timeout_seconds
    }
  }

  # A filter of S3's notifications wants every character encoded that is not "safe", and a space as a plus (S3 user
  # guide, "Configuring event notifications using object key name filtering"); policies and EventBridge want keys raw.
  filter_prefixes = {
    for bucket, prefixes in local.scanned : bucket => {
      for prefix in prefixes : prefix => join("", [
        for character in regexall("(?s:.)", prefix) :
        can(regex("^[A-Za-z0-9/!_.*'()-]$", character)) ? character : replace(urlencode(character), "~", "%7E")
      ])
    }
  }

  table = {
    hash_key      = "pk"
    range_key     = "sk"
    ttl_attribute = "expires_at"
    indexes = {
      by_bucket   = { hash_key = "bucket_day", range_key = "finished_id" }
      by_day      = { hash_key = "day_shard", range_key = "finished_id" }
      with_errors = { hash_key = "error_day", range_key = "severity_finished" }
    }
    projected = ["status", "bucket", "key", "finished_at", "lines", "matched_lines", "worst_severity", "partial"]
  }
}
