variable "name" {
  description = "Name of the function."
  type        = string
  nullable    = false
}

variable "log_group" {
  description = "Name of its log group."
  type        = string
  nullable    = false
}

variable "role_arn" {
  description = "ARN of its role, which must have its policy already: Lambda tries it when the mapping is made."
  type        = string
  nullable    = false
}

variable "queue" {
  description = "The FIFO queue that events are sent to."
  type = object({
    name = string
    url  = string
  })
  nullable = false
}

variable "failure_queue" {
  description = "The queue of what cannot be sent: its name, times and policy (JSON)."
  type = object({
    name                       = string
    message_retention_seconds  = number
    visibility_timeout_seconds = number
    policy                     = string
  })
  nullable = false
}

variable "function" {
  description = "Memory, timeout, runtime, log retention, and reserved concurrency (-1: none)."
  type = object({
    memory_mib           = number
    timeout_seconds      = number
    runtime              = string
    reserved_concurrency = number
    log_retention_days   = number
  })
  nullable = false
}

variable "kms_key_arn" {
  description = "ARN of your KMS key for the queue and the log group. Null: keys owned by AWS."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags for all resources."
  type        = map(string)
  nullable    = false
  default     = {}
}
