"""logscan on kind with LocalStack: what the scripts in `local/kind` do in Python."""
