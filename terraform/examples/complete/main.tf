# Everything made here: network, cluster, buckets, queues, table, forwarder, roles, mail, alarms.
terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.25.0, < 7.0.0"
    }
  }
}

variable "region" {
  description = "Where."
  type        = string
  default     = "eu-central-1"
}

variable "admin_arns" {
  description = "Roles that administer the cluster."
  type        = list(string)
}

variable "mail_domain" {
  description = "The domain that mail is from."
  type        = string
}

provider "aws" {
  region = var.region
}

resource "aws_sns_topic" "alarms" {
  # checkov:skip=CKV_AWS_26:Alarms name queues and numbers; encrypt it with a key of yours, that CloudWatch may use.
  name = "logscan-alarms"
}

module "logscan" {
  source = "../.."

  logs_bucket = { prefixes = ["app/", "audit/"], expire_days = 30 }
  cluster     = { admin_arns = var.admin_arns }
  namespaces  = { scans = { team-a = ["team-a-logs"], team-b = ["team-b-logs"] } }
  mail        = { identity = var.mail_domain, sender = "logscan@${var.mail_domain}" }
  alarms      = { topic_arns = [aws_sns_topic.alarms.arn] }
  tags        = { team = "platform" }
}

output "helm_values" {
  description = "Values for the chart."
  value       = module.logscan.helm_values
}

output "mail_dns_records" {
  description = "Put these into DNS."
  value       = module.logscan.mail_dns_records
}
