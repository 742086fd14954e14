terraform {
  # Validations that look at other variables.
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # tests/schema.json is this lower bound's schema, which every resource here is checked against.
      version = ">= 6.25.0, < 7.0.0"
    }
  }
}
