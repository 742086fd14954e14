variable "name" {
  description = "Prefix of all resource names: 3 to 24 lower-case letters, digits and hyphens."
  type        = string
  nullable    = false
  default     = "logscan"
}

variable "tags" {
  description = "Tags for all resources."
  type        = map(string)
  nullable    = false
  default     = {}
}

variable "kms_key_arn" {
  description = "ARN of your KMS key for queues, buckets, table and log groups. Its policy must allow CloudWatch Logs and EventBridge to use it, and S3 with forwarder.create = false. Null: keys owned by AWS."
  type        = string
  default     = null
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary for all roles that this module creates."
  type        = string
  default     = null
}

variable "logs_bucket" {
  description = "The bucket for uploaded logs: its name (null: generated), the prefixes to scan (they must not overlap), and after how many days objects and old versions expire (null: never)."
  type = object({
    create          = optional(bool, true)
    name            = optional(string)
    prefixes        = optional(list(string), [""])
    expire_days     = optional(number)
    noncurrent_days = optional(number, 30)
    force_destroy   = optional(bool, false)
  })
  nullable = false
  default  = {}

  validation {
    condition     = length(var.logs_bucket.prefixes) > 0
    error_message = "logs_bucket.prefixes must not be empty; leave it out to scan the whole bucket."
  }

  validation {
    # S3 refuses overlapping filters of one event, and only when it is applied.
    condition = !anytrue(flatten([
      for i, a in var.logs_bucket.prefixes : [for j, b in var.logs_bucket.prefixes : i != j && startswith(a, b)]
    ]))
    error_message = "logs_bucket.prefixes overlap: S3 refuses two notifications for one upload. Keep the shorter one."
  }
}

variable "existing_buckets" {
  description = "Existing buckets to scan, by name. notification: eventbridge (the bucket already sends its events to EventBridge), direct (this module manages the whole notification configuration of the bucket), or none. kms_key_arn: the key of its objects. account_id: the account that owns the bucket, if it is another one; scans read no bucket of that name in any other account."
  type = map(object({
    notification = optional(string, "eventbridge")
    prefixes     = optional(list(string), [""])
    kms_key_arn  = optional(string)
    account_id   = optional(string)
  }))
  nullable = false
  default  = {}
}

variable "inventories" {
  description = "Buckets with lists of S3 Inventory that LogScans may name (spec.source.s3.inventory), by name. prefixes: what the keys of the lists begin with. kms_key_arn: the key of the lists. account_id: the account that owns the bucket, if it is another one."
  type = map(object({
    prefixes    = optional(list(string), [""])
    kms_key_arn = optional(string)
    account_id  = optional(string)
  }))
  nullable = false
  default  = {}
}

variable "reports_bucket" {
  description = "The bucket for findings, and after how many days they expire. With create = false, name is that of an existing bucket."
  type = object({
    create        = optional(bool, true)
    name          = optional(string)
    expire_days   = optional(number, 90)
    force_destroy = optional(bool, false)
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.reports_bucket.create != (var.reports_bucket.name != null)
    error_message = "reports_bucket.name goes with create = false: it names a bucket that is there already."
  }
}

variable "access_log_bucket" {
  description = "Bucket for the access logs of the buckets that this module creates."
  type        = string
  default     = null
}

variable "queue" {
  description = "Settings of the queue: visibility timeout, long polling, receives before a message becomes a dead letter (30 receives take about two hours, see docs/operations.md), and retention."
  type = object({
    visibility_seconds   = optional(number, 60)
    receive_wait_seconds = optional(number, 20)
    max_receives         = optional(number, 30)
    retention_days       = optional(number, 14)
  })
  nullable = false
  default  = {}
}

variable "table" {
  description = "Protection of the result table."
  type = object({
    point_in_time_recovery = optional(bool, true)
    deletion_protection    = optional(bool, true)
  })
  nullable = false
  default  = {}
}

variable "forwarder" {
  description = "The Lambda function between uploads and the queue: memory, timeout, runtime, log retention, and reserved concurrency (-1: none). With create = false, S3 and EventBridge send to a standard queue themselves."
  type = object({
    create               = optional(bool, true)
    memory_mib           = optional(number, 256)
    timeout_seconds      = optional(number, 30)
    runtime              = optional(string, "python3.13")
    reserved_concurrency = optional(number, -1)
    log_retention_days   = optional(number, 30)
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.forwarder.reserved_concurrency == -1 || var.forwarder.reserved_concurrency > 0
    error_message = "forwarder.reserved_concurrency must be -1 or more than 0: with 0 nothing would ever be forwarded."
  }

  validation {
    condition     = can(regex("^python3\\.(1[1-9])$", var.forwarder.runtime))
    error_message = "forwarder.runtime must be python3.11 or newer."
  }
}

variable "mail" {
  description = "Mail notifications: the SES identity (a domain or an address), the sender, and whether this module creates the identity. Null: no mail."
  type = object({
    identity        = string
    sender          = string
    create_identity = optional(bool, true)
  })
  default = null
}

variable "topic_arns" {
  description = "SNS topics that scans may publish to (`topicArn` of a channel)."
  type        = list(string)
  nullable    = false
  default     = []
}

variable "event_bus_arns" {
  description = "Buses of EventBridge that scans may put events on (`eventBusArn` of a channel)."
  type        = list(string)
  nullable    = false
  default     = []
}

variable "alarms" {
  description = "CloudWatch alarms, the topics they notify, and the age of the oldest message, in seconds, that raises an alarm."
  type = object({
    create            = optional(bool, true)
    topic_arns        = optional(list(string), [])
    queue_age_seconds = optional(number, 900)
  })
  nullable = false
  default  = {}
}

variable "credentials" {
  description = "How pods get their roles: pod-identity, or irsa (for Fargate and clusters without the Pod Identity agent)."
  type        = string
  nullable    = false
  default     = "pod-identity"

  validation {
    condition     = var.credentials != "irsa" || var.cluster.create || var.cluster.oidc_provider_arn != null
    error_message = "cluster.oidc_provider_arn is needed for irsa with a cluster that is there already."
  }
}

variable "namespaces" {
  description = "The operator's namespace, and other namespaces whose LogScans it runs, each with the buckets that it may scan: { team-a = [\"team-a-logs\"] }."
  type = object({
    operator = optional(string, "logscan")
    scans    = optional(map(list(string)), {})
  })
  nullable = false
  default  = {}
}

variable "allowed_roles" {
  description = "Roles of IAM that LogScans may name (roleArn) to read buckets of other accounts, by namespace: { team-a = [\"arn:aws:iam::444455556666:role/logscan-reads-trails\"] }. Operator and scanner may assume them, with the external id of the namespace."
  type        = map(list(string))
  nullable    = false
  default     = {}
}

variable "external_id_prefix" {
  description = "What the external id of such a role begins with; a colon and the namespace follow. Clusters that share a role need different ones."
  type        = string
  nullable    = false
  default     = "logscan"
}

variable "tag_objects" {
  description = "Whether scanners may tag the objects that they read, for LogScans and policies with notify.tagObject."
  type        = bool
  nullable    = false
  default     = false
}

variable "tenant_recipients" {
  description = "Mail addresses that scans of the namespaces in namespaces.scans may notify; * is a wildcard. Also set tenantRecipients in the chart."
  type        = list(string)
  nullable    = false
  default     = []
}

variable "tenant_topic_arns" {
  description = "SNS topics that scans of the namespaces in namespaces.scans may notify. Also set tenantTopics in the chart."
  type        = list(string)
  nullable    = false
  default     = []
}

variable "tenant_event_bus_arns" {
  description = "Buses of EventBridge that scans of the namespaces in namespaces.scans may notify. Also set tenantEventBuses in the chart."
  type        = list(string)
  nullable    = false
  default     = []
}

variable "cluster" {
  description = "The EKS cluster. With create = false: the name of an existing cluster, and oidc_provider_arn for irsa. Otherwise: its version, its administrators, and who may reach its endpoint from outside the VPC (default: nobody)."
  type = object({
    create              = optional(bool, true)
    name                = optional(string)
    oidc_provider_arn   = optional(string)
    version             = optional(string, "1.35")
    admin_arns          = optional(list(string), [])
    public_access_cidrs = optional(list(string), [])
    log_retention_days  = optional(number, 30)
    deletion_protection = optional(bool, true)
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.cluster.create || var.cluster.name != null
    error_message = "cluster.name is needed with cluster.create = false: roles are bound to the cluster."
  }

  validation {
    condition     = !var.cluster.create || length(var.cluster.admin_arns) > 0
    error_message = "cluster.admin_arns is empty: nobody could reach the new cluster. Name a role or user."
  }

  validation {
    condition     = can(regex("^1\\.(3[4-9]|[4-9][0-9])$", var.cluster.version))
    error_message = "cluster.version must be 1.34 or newer, major and minor only."
  }

  validation {
    condition     = !contains(var.cluster.public_access_cidrs, "0.0.0.0/0")
    error_message = "cluster.public_access_cidrs must not be the whole internet: name the networks that need it."
  }
}

variable "network" {
  description = "An existing VPC: two or more subnets in different zones, from which images can be pulled, and the route tables for gateway endpoints. Null: create a VPC."
  type = object({
    vpc_id          = string
    subnet_ids      = list(string)
    route_table_ids = optional(list(string), [])
  })
  default = null

  validation {
    condition     = try(length(var.network.subnet_ids) >= 2, var.network == null)
    error_message = "network.subnet_ids must be two or more: EKS wants two zones."
  }
}

variable "vpc_cidr" {
  description = "CIDR block of the VPC that this module creates."
  type        = string
  nullable    = false
  default     = "10.64.0.0/16"

  validation {
    condition     = can(cidrsubnet(var.vpc_cidr, 8, 250)) && try(tonumber(split("/", var.vpc_cidr)[1]) <= 20, false)
    error_message = "vpc_cidr must be an IPv4 block of /20 or larger."
  }
}

variable "zones" {
  description = "Number of availability zones of that VPC."
  type        = number
  nullable    = false
  default     = 2

  validation {
    condition     = contains([2, 3], var.zones)
    error_message = "zones must be 2 or 3."
  }
}

variable "interface_endpoints" {
  description = "AWS services with an interface endpoint in the VPC. Pod Identity needs `eks-auth` for its credentials."
  type        = list(string)
  nullable    = false
  default     = ["sqs", "sts", "eks-auth"]
}

variable "operator_nodes" {
  description = "The permanent node group, for the operator. Use two nodes to run the standby on a node of its own."
  type = object({
    instance_types = optional(list(string), ["t4g.medium"])
    ami_type       = optional(string, "AL2023_ARM_64_STANDARD")
    size           = optional(number, 2)
  })
  nullable = false
  default  = {}
}

variable "scan_nodes" {
  description = "Nodes for scans. mode auto: EKS Auto Mode, which runs no nodes while there are no scans. mode node-group: a tainted node group of 0 to max_size nodes, which your own autoscaler scales."
  type = object({
    mode           = optional(string, "auto")
    instance_types = optional(list(string), ["c7g.large", "c6g.large"])
    ami_type       = optional(string, "AL2023_ARM_64_STANDARD")
    capacity_type  = optional(string, "SPOT")
    max_size       = optional(number, 10)
  })
  nullable = false
  default  = {}

  validation {
    condition     = contains(["auto", "node-group"], var.scan_nodes.mode)
    error_message = "scan_nodes.mode must be auto or node-group."
  }
}
