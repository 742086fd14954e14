# A bucket that another team owns and that sends its events to EventBridge, and a cluster that is there already, with
# IRSA. Made here: reports bucket, queues, table, forwarder, roles, alarms.
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

variable "bucket" {
  description = "The bucket with the logs; EventBridge is on in its notification settings."
  type        = string
}

variable "cluster_name" {
  description = "The cluster."
  type        = string
}

variable "oidc_provider_arn" {
  description = "The cluster's OIDC provider."
  type        = string
}

provider "aws" {
  region = var.region
}

module "logscan" {
  source = "../.."

  logs_bucket      = { create = false }
  existing_buckets = { (var.bucket) = { prefixes = ["production/"] } }
  cluster          = { create = false, name = var.cluster_name, oidc_provider_arn = var.oidc_provider_arn }
  credentials      = "irsa"
}

output "helm_values" {
  description = "Values for the chart."
  value       = module.logscan.helm_values
}
