"""From stored bytes to the logs in them."""
