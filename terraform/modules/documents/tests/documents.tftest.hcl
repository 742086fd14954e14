# Runs anywhere: no provider, no network, no account. `terraform test` in this folder.
variables {
  name         = "logscan"
  account      = { id = "111122223333", region = "eu-central-1" }
  cluster_name = "prod"
  queue_url    = "https://sqs.eu-central-1.amazonaws.com/111122223333/logscan.fifo"
}

run "by_default" {
  assert {
    condition     = output.names.queue == "logscan.fifo" && output.names.dead_letter_queue == "logscan-dlq.fifo"
    error_message = "a FIFO queue and its dead-letter queue must end in .fifo"
  }

  assert {
    condition     = !endswith(output.names.failure_queue, ".fifo") && !output.queues.failures.fifo_queue
    error_message = "Lambda and EventBridge take no FIFO queue for what they cannot deliver"
  }

  assert {
    condition     = output.queues.dead_letter.message_retention_seconds >= output.queues.main.message_retention_seconds
    error_message = "a dead letter keeps its age: the dead-letter queue must keep at least as long as the source"
  }

  assert {
    condition     = output.queues.main.redrive_policy.deadLetterTargetArn == output.arns.dead_letter_queue
    error_message = "redrive goes elsewhere than to the dead-letter queue"
  }

  assert {
    condition     = [for s in output.policies.scanner.Statement : s.Sid] == ["ReadLogs", "ListLogsAndTellMissingFromDenied", "ReadAndWriteResults", "WriteReports"]
    error_message = "without mail, topics and keys there must be no statement about them"
  }

  assert {
    condition     = length(output.event_patterns) == 0 && length(output.helm_values.serviceAccount.annotations) == 0
    error_message = "there is no bucket of others, and Pod Identity needs no annotation"
  }
}

run "prefixes_with_special_characters" {
  variables {
    prefixes         = ["dt=2024/", "a b+c/", "größe/", "plain-1_x.y!*'()/", "~%&@:,$?#/", ""]
    existing_buckets = { theirs = { prefixes = ["dt=2024/"] } }
  }

  assert {
    condition = output.filter_prefixes["logscan-logs-111122223333-eu-central-1"] == {
      "dt=2024/"          = "dt%3D2024/"
      "a b+c/"            = "a+b%2Bc/"
      "größe/"            = "gr%C3%B6%C3%9Fe/"
      "plain-1_x.y!*'()/" = "plain-1_x.y!*'()/"
      "~%&@:,$?#/"        = "%7E%25%26%40%3A%2C%24%3F%23/"
      ""                  = ""
    }
    error_message = "S3's filters take special characters URL-encoded only"
  }

  assert {
    condition     = contains(output.policies.scanner.Statement[0].Resource, "arn:aws:s3:::logscan-logs-111122223333-eu-central-1/dt=2024/*")
    error_message = "IAM compares keys as they are"
  }

  assert {
    condition     = output.event_patterns.theirs.detail.object.key == [{ prefix = "dt=2024/" }]
    error_message = "EventBridge compares keys as they are"
  }
}

run "everything" {
  variables {
    prefixes       = ["app/", "audit/"]
    mail           = { identity = "example.com", sender = "logscan@example.com" }
    topic_arns     = ["arn:aws:sns:eu-central-1:111122223333:oncall"]
    event_bus_arns = ["arn:aws:events:eu-central-1:111122223333:event-bus/oncall"]
    kms_key_arn    = "arn:aws:kms:eu-central-1:111122223333:key/1"
    namespaces     = { scans = { team-a = ["theirs", "whole"], logscan = [] } }
    existing_buckets = {
      theirs = { prefixes = ["prod/"], kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/2" }
      whole  = {}
      direct = { notification = "direct" }
    }
  }

  assert {
    condition = toset(output.policies.scanner.Statement[0].Resource) == toset([
      "arn:aws:s3:::logscan-logs-111122223333-eu-central-1/app/*",
      "arn:aws:s3:::logscan-logs-111122223333-eu-central-1/audit/*",
      "arn:aws:s3:::theirs/prod/*",
      "arn:aws:s3:::whole/*",
      "arn:aws:s3:::direct/*",
    ])
    error_message = "the scanner reads the prefixes and nothing else"
  }

  assert {
    condition     = [for s in output.policies.scanner.Statement : s.Condition.StringEquals["ses:FromAddress"] if s.Sid == "SendMail"] == [["logscan@example.com"]]
    error_message = "mail is from one address"
  }

  assert {
    condition     = keys(output.event_patterns) == ["theirs", "whole"]
    error_message = "only buckets by EventBridge have a pattern"
  }

  assert {
    condition     = output.event_patterns["theirs"].detail.object.key == [{ prefix = "prod/" }] && !can(output.event_patterns["whole"].detail.object)
    error_message = "prefixes belong into the pattern, and none for a whole bucket"
  }

  assert {
    condition = jsonencode(output.pod_trusts["scanner"].Statement[0].Condition.StringEquals) == jsonencode({
      "aws:RequestTag/eks-cluster-arn"            = "arn:aws:eks:eu-central-1:111122223333:cluster/prod"
      "aws:RequestTag/kubernetes-namespace"       = ["logscan"]
      "aws:RequestTag/kubernetes-service-account" = "logscan-scanner"
    })
    error_message = "the scanner's role is for its service account in the operator's namespace of this cluster"
  }
}

run "irsa" {
  variables {
    credentials       = "irsa"
    oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/ABC"
  }

  assert {
    condition = output.pod_trusts["operator"].Statement[0].Condition.StringEquals == {
      "oidc.eks.eu-central-1.amazonaws.com/id/ABC:aud" = "sts.amazonaws.com"
      "oidc.eks.eu-central-1.amazonaws.com/id/ABC:sub" = ["system:serviceaccount:logscan:logscan-operator"]
    }
    error_message = "audience and subject must both be checked"
  }

  assert {
    condition     = output.helm_values.scanner.serviceAccount.annotations["eks.amazonaws.com/role-arn"] == output.arns.scanner_role
    error_message = "the service account needs its role's ARN"
  }
}

run "another_partition" {
  variables {
    account = { id = "111122223333", region = "cn-north-1", partition = "aws-cn" }
  }

  assert {
    condition     = alltrue([for arn in values(output.arns) : startswith(arn, "arn:aws-cn:")])
    error_message = "an ARN names the wrong partition"
  }
}

run "without_the_forwarder" {
  variables {
    create_forwarder = false
    existing_buckets = {
      theirs   = {}
      direct   = { notification = "direct" }
      listened = { notification = "none" }
    }
  }

  assert {
    condition     = [for it in [output.names.queue, output.names.dead_letter_queue] : it if endswith(it, ".fifo")] == [] && !anytrue([for it in values(output.queues) : it.fifo_queue])
    error_message = "S3 notifies standard queues only, and a dead-letter queue is of the kind of its source"
  }

  assert {
    condition     = output.queues.main.deduplication_scope == null && output.queues.main.fifo_throughput_limit == null && output.queues.main.content_based_deduplication == null
    error_message = "SQS refuses what belongs to FIFO queues"
  }

  assert {
    condition     = keys(output.policies) == ["operator", "scanner"] && keys(output.queue_policies) == ["dead_letter", "main"]
    error_message = "nothing is left of the forwarder"
  }

  assert {
    condition = [for s in output.queue_policies.main.Statement : s if s.Sid == "TakeWhatS3Announces"] == [{
      Sid       = "TakeWhatS3Announces"
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = "arn:aws:sqs:eu-central-1:111122223333:logscan"
      Condition = {
        ArnEquals    = { "aws:SourceArn" = ["arn:aws:s3:::direct", "arn:aws:s3:::logscan-logs-111122223333-eu-central-1"] }
        StringEquals = { "aws:SourceAccount" = "111122223333" }
      }
    }]
    error_message = "S3 may send for the buckets that this module configures, of this account, and for no other"
  }

  assert {
    condition     = { for queue, policy in output.queue_policies : queue => [for s in policy.Statement : s.Sid if try(s.Principal.Service, "") == "events.amazonaws.com"] } == { main = ["TakeWhatEventBridgeAnnounces"], dead_letter = ["KeepWhatEventBridgeCannotDeliver"] }
    error_message = "EventBridge sends to the queue, and what it cannot deliver to the dead letters"
  }
}

run "with_the_forwarder_nobody_else_feeds_the_queue" {
  variables {
    existing_buckets = { theirs = {}, direct = { notification = "direct" } }
  }

  assert {
    condition     = { for queue, policy in output.queue_policies : queue => [for s in policy.Statement : s.Sid] } == { main = ["DenyWithoutTls"], dead_letter = ["DenyWithoutTls"], failures = ["DenyWithoutTls", "KeepWhatEventBridgeCannotDeliver"] }
    error_message = "S3 and EventBridge call the function"
  }
}

run "refuses_a_bad_name" {
  command = plan
  variables {
    name = "Log_Scan"
  }
  expect_failures = [var.name]
}

run "refuses_a_sender_of_another_domain" {
  command = plan
  variables {
    mail = { identity = "example.com", sender = "logscan@example.org" }
  }
  expect_failures = [var.mail]
}

run "refuses_all_namespaces" {
  command = plan
  variables {
    namespaces = { scans = { "*" = [] } }
  }
  expect_failures = [var.namespaces]
}

run "refuses_a_wildcard_topic" {
  command = plan
  variables {
    topic_arns = ["arn:aws:sns:eu-central-1:111122223333:*"]
  }
  expect_failures = [var.topic_arns]
}

run "refuses_a_wildcard_event_bus" {
  command = plan
  variables {
    event_bus_arns = ["arn:aws:events:eu-central-1:111122223333:event-bus/*"]
  }
  expect_failures = [var.event_bus_arns]
}

run "refuses_to_scan_nothing" {
  command = plan
  variables {
    create_logs_bucket = false
  }
  expect_failures = [var.existing_buckets]
}

run "refuses_an_unknown_notification" {
  command = plan
  variables {
    existing_buckets = { theirs = { notification = "sns" } }
  }
  expect_failures = [var.existing_buckets]
}

run "refuses_a_fraction_of_receives" {
  command = plan
  variables {
    queue = { max_receives = 2.5 }
  }
  expect_failures = [var.queue]
}

run "refuses_a_visibility_beyond_sqs" {
  command = plan
  variables {
    queue = { visibility_seconds = 43201 }
  }
  expect_failures = [var.queue]
}
