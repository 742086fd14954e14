# What a person has to look at. Queue depth alone needs nobody: a backlog is normal, an old message is not. Missing data
# never alarms: nothing was sent, called or dropped.
locals {
  operator_queue_alarms = {
    "oldest-message" = {
      queue       = module.documents.names.queue
      metric      = "ApproximateAgeOfOldestMessage"
      threshold   = var.alarms.queue_age_seconds
      description = "Uploads wait to be read: is the operator running, and below maxUnfinished?"
    }
    "dead-letters" = {
      queue       = module.documents.names.dead_letter_queue
      metric      = "ApproximateNumberOfMessagesVisible"
      threshold   = 0
      description = "The operator could not read messages, or not create their LogScans: see docs/operations.md for how to redrive them."
    }
  }
  forwarder_queue_alarms = var.forwarder.create ? {
    "ingest-failures" = {
      queue       = module.documents.names.failure_queue
      metric      = "ApproximateNumberOfMessagesVisible"
      threshold   = 0
      description = "Uploads could not be forwarded, the messages say why: see docs/operations.md for how to redrive them."
    }
  } : {}
  queue_alarms = merge(local.operator_queue_alarms, local.forwarder_queue_alarms)

  # Each one in five minutes is one too many.
  of_forwarder = { namespace = "AWS/Lambda", dimensions = { FunctionName = module.documents.names.forwarder } }
  of_table     = { namespace = "AWS/DynamoDB", dimensions = { TableName = module.documents.names.table } }
  forwarder_alarms = var.forwarder.create ? {
    "forwarder-errors"    = merge(local.of_forwarder, { metric = "Errors", description = "The forwarder fails; Lambda tries twice more." })
    "forwarder-throttles" = merge(local.of_forwarder, { metric = "Throttles", description = "The forwarder is throttled: raise its concurrency." })
    "forwarder-dropped"   = merge(local.of_forwarder, { metric = "AsyncEventsDropped", description = "Lambda dropped events: uploads were not forwarded." })
  } : {}
  table_alarms = {
    # An on-demand table throttles when one partition is hot.
    "table-throttles" = merge(local.of_table, { metric = "WriteThrottleEvents", description = "The result table throttles writes: scans fail after their attempts." })
  }
  event_alarms = merge(local.forwarder_alarms, local.table_alarms)
}

resource "aws_cloudwatch_metric_alarm" "queues" {
  for_each = var.alarms.create ? local.queue_alarms : {}

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/SQS"
  metric_name         = each.value.metric
  dimensions          = { QueueName = each.value.queue }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarms.topic_arns
  ok_actions          = var.alarms.topic_arns
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "events" {
  for_each = var.alarms.create ? local.event_alarms : {}

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarms.topic_arns
  ok_actions          = var.alarms.topic_arns
  tags                = local.tags
}
