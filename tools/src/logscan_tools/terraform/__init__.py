"""The Terraform configuration as data, and what is generated from it and for it."""
