# No provider: everything here is computed, so that `terraform test` runs without a network and an account.
terraform {
  required_version = ">= 1.9"
}
