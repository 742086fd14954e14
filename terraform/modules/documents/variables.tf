variable "name" {
  description = "Prefix of every name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 24 lower-case letters, digits and hyphens, begin with a letter and not end with a hyphen: bucket names are made from it."
  }
}

variable "account" {
  description = "Where everything is: account id, region, partition."
  type = object({
    id        = string
    region    = string
    partition = optional(string, "aws")
  })
  nullable = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account.id))
    error_message = "account.id must be the 12 digits of an AWS account."
  }
}

variable "create_logs_bucket" {
  description = "Whether logscan has a logs bucket of its own."
  type        = bool
  nullable    = false
  default     = true
}

variable "logs_bucket_name" {
  description = "Name of that bucket; null makes one from name, account and region."
  type        = string
  default     = null
}

variable "prefixes" {
  description = "Prefixes of the keys that are scanned in logscan's own bucket."
  type        = list(string)
  nullable    = false
  default     = [""]
}

variable "existing_buckets" {
  description = "Buckets of others, by name: how their uploads are heard of, which prefixes, the key of their objects, and the account that owns them if it is another one."
  type = map(object({
    notification = optional(string, "eventbridge")
    prefixes     = optional(list(string), [""])
    kms_key_arn  = optional(string)
    account_id   = optional(string)
  }))
  nullable = false
  default  = {}

  validation {
    condition     = alltrue([for b in var.existing_buckets : contains(["direct", "eventbridge", "none"], b.notification)])
    error_message = "existing_buckets[*].notification must be direct (this module owns the bucket's whole notification configuration), eventbridge (the bucket sends to EventBridge already) or none."
  }

  validation {
    condition     = alltrue([for b in var.existing_buckets : can(regex("^[0-9]{12}$", coalesce(b.account_id, "000000000000")))])
    error_message = "existing_buckets[*].account_id must be the twelve digits of an AWS account."
  }

  validation {
    condition     = alltrue([for b in var.existing_buckets : length(b.prefixes) > 0])
    error_message = "existing_buckets[*].prefixes must not be empty; leave it out for the whole bucket."
  }

  validation {
    condition     = var.create_logs_bucket || length(var.existing_buckets) > 0
    error_message = "existing_buckets is empty and logs_bucket.create is false: name a bucket to scan."
  }
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

  validation {
    condition     = alltrue([for list in var.inventories : can(regex("^[0-9]{12}$", coalesce(list.account_id, "000000000000")))])
    error_message = "inventories[*].account_id must be the twelve digits of an AWS account."
  }

  validation {
    condition     = alltrue([for list in var.inventories : length(list.prefixes) > 0])
    error_message = "inventories[*].prefixes must not be empty; leave it out for the whole bucket."
  }
}

variable "existing_reports_bucket" {
  description = "A bucket for reports that is there already; null makes one."
  type        = string
  default     = null
}

variable "queue" {
  description = "The queue's times and limits."
  type = object({
    visibility_seconds   = optional(number, 60)
    receive_wait_seconds = optional(number, 20)
    max_receives         = optional(number, 30)
    retention_days       = optional(number, 14)
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.queue.visibility_seconds >= 10 && var.queue.visibility_seconds <= 43200
    error_message = "queue.visibility_seconds must be 10 to 43200: the operator renews at a third of it, SQS allows 12 hours."
  }

  validation {
    condition     = var.queue.receive_wait_seconds >= 0 && var.queue.receive_wait_seconds <= 20
    error_message = "queue.receive_wait_seconds must be 0 to 20."
  }

  validation {
    condition     = var.queue.max_receives >= 1 && var.queue.max_receives <= 1000 && floor(var.queue.max_receives) == var.queue.max_receives
    error_message = "queue.max_receives must be a whole number from 1 to 1000."
  }

  validation {
    condition     = var.queue.retention_days >= 1 && var.queue.retention_days <= 14
    error_message = "queue.retention_days must be 1 to 14; the dead-letter queues always keep 14."
  }
}

variable "create_forwarder" {
  description = "Whether a Lambda function forwards uploads to a FIFO queue; otherwise S3 and EventBridge send them to a standard queue."
  type        = bool
  nullable    = false
  default     = true
}

variable "forwarder_timeout_seconds" {
  description = "The forwarder's timeout."
  type        = number
  nullable    = false
  default     = 30
}

variable "mail" {
  description = "Who mail is from: the SES identity (a domain or an address) and the sender; null means no mail."
  type = object({
    identity = string
    sender   = string
  })
  default = null

  validation {
    condition     = var.mail == null ? true : can(regex("^[^@\\s]+@[^@\\s]+$", var.mail.sender)) && endswith(var.mail.sender, var.mail.identity)
    error_message = "mail.sender must be an address of mail.identity: logscan@example.com for the identity example.com."
  }
}

variable "topic_arns" {
  description = "SNS topics that scans may publish to."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for arn in var.topic_arns : can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$", arn))])
    error_message = "topic_arns must be whole ARNs of SNS topics, without wildcards."
  }
}

variable "event_bus_arns" {
  description = "Buses of EventBridge that scans may put events on."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for arn in var.event_bus_arns : can(regex("^arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9/._-]+$", arn))])
    error_message = "event_bus_arns must be whole ARNs of event buses, without wildcards."
  }
}

variable "kms_key_arn" {
  description = "A KMS key for queues, buckets, table and logs; null means the keys that AWS owns."
  type        = string
  default     = null
}

variable "cluster_name" {
  description = "The cluster's name."
  type        = string
  nullable    = false
}

variable "oidc_provider_arn" {
  description = "For irsa: the ARN of the cluster's OIDC provider."
  type        = string
  default     = null
}

variable "credentials" {
  description = "How pods get their roles: pod-identity or irsa."
  type        = string
  nullable    = false
  default     = "pod-identity"

  validation {
    condition     = contains(["pod-identity", "irsa"], var.credentials)
    error_message = "credentials must be pod-identity or irsa."
  }
}

variable "namespaces" {
  description = "The operator's namespace, and further ones whose LogScans it runs, each with the buckets that it may scan: { team-a = [\"team-a-logs\"] }."
  type = object({
    operator = optional(string, "logscan")
    scans    = optional(map(list(string)), {})
  })
  nullable = false
  default  = {}

  validation {
    condition     = alltrue([for n in concat([var.namespaces.operator], keys(var.namespaces.scans)) : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", n))])
    error_message = "namespaces must be names of Kubernetes namespaces; a wildcard would give the scanner's role to anybody."
  }
}

variable "allowed_roles" {
  description = "Roles of IAM that LogScans may name (roleArn) to read buckets of other accounts, by namespace: { team-a = [\"arn:aws:iam::444455556666:role/logscan-reads-trails\"] }. Operator and scanner may assume them, with the external id of the namespace."
  type        = map(list(string))
  nullable    = false
  default     = {}

  validation {
    condition     = alltrue([for arn in flatten(values(var.allowed_roles)) : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$", arn))])
    error_message = "allowed_roles must have whole ARNs of IAM roles, without wildcards."
  }

  validation {
    condition     = alltrue([for n in keys(var.allowed_roles) : n == var.namespaces.operator || contains(keys(var.namespaces.scans), n)])
    error_message = "allowed_roles has a namespace that is neither namespaces.operator nor in namespaces.scans."
  }
}

variable "external_id_prefix" {
  description = "What the external id of such a role begins with; a colon and the namespace follow."
  type        = string
  nullable    = false
  default     = "logscan"

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@:/-]{1,64}$", var.external_id_prefix))
    error_message = "external_id_prefix must be 1 to 64 letters, digits and characters of _+=,.@:/-."
  }
}

variable "tag_objects" {
  description = "Whether scanners may tag the objects that they read, for LogScans and policies with notify.tagObject."
  type        = bool
  nullable    = false
  default     = false
}

variable "tenant_recipients" {
  description = "Mail addresses that scans of tenants' namespaces may notify; * matches any part. None by default."
  type        = list(string)
  nullable    = false
  default     = []
}

variable "tenant_topic_arns" {
  description = "SNS topics that scans of tenants' namespaces may notify. None by default."
  type        = list(string)
  nullable    = false
  default     = []
}

variable "tenant_event_bus_arns" {
  description = "Buses of EventBridge that scans of tenants' namespaces may notify. None by default."
  type        = list(string)
  nullable    = false
  default     = []
}

variable "queue_url" {
  description = "The queue's URL, for the chart's values."
  type        = string
  nullable    = false
}

variable "operator_pods" {
  description = "Where the operator's pods go: node selector and tolerations."
  type = object({
    node_selector = optional(map(string), {})
    tolerations   = optional(list(map(string)), [])
  })
  nullable = false
  default  = {}
}

variable "scan_pods" {
  description = "Where scan pods go: node selector and tolerations."
  type = object({
    node_selector = optional(map(string), {})
    tolerations   = optional(list(map(string)), [])
  })
  nullable = false
  default  = {}
}
