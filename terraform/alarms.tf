# What a person has to look at. Queue depth alone is none of it: a backlog is normal, an old message is not. Missing data
# never alarms: nothing was sent, called or dropped.
locals {
  queue_alarms = {
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
      description = "The operator could not read messages: look at their bodies, mend the sender, redrive them."
    }
    "ingest-failures" = {
      queue       = module.documents.names.failure_queue
      metric      = "ApproximateNumberOfMessagesVisible"
      threshold   = 0
      description = "Uploads could not be forwarded: the messages tell the event and the reason."
    }
  }
  lambda_alarms = {
    "forwarder-errors"    = { metric = "Errors", description = "The forwarder fails; Lambda tries twice more." }
    "forwarder-throttles" = { metric = "Throttles", description = "The forwarder is throttled: raise its concurrency." }
    "forwarder-dropped"   = { metric = "AsyncEventsDropped", description = "Lambda dropped events: uploads were not forwarded." }
  }
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

resource "aws_cloudwatch_metric_alarm" "forwarder" {
  for_each = var.alarms.create ? local.lambda_alarms : {}

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/Lambda"
  metric_name         = each.value.metric
  dimensions          = { FunctionName = module.documents.names.forwarder }
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

# A write that is throttled makes a scan fail after its attempts; on-demand tables throttle when one partition is hot.
resource "aws_cloudwatch_metric_alarm" "table" {
  count = var.alarms.create ? 1 : 0

  alarm_name          = "${var.name}-table-throttles"
  alarm_description   = "The result table throttles writes."
  namespace           = "AWS/DynamoDB"
  metric_name         = "WriteThrottleEvents"
  dimensions          = { TableName = module.documents.names.table }
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
