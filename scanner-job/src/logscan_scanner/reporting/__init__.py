"""What is said of a scan, and to whom."""
