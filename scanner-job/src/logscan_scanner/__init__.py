"""The scanner: reads logs from S3, counts the lines that each rule matches, writes one row to DynamoDB.

`runner` is the whole scan in order. Errors: `ScanError` in `errors` is the base; each carries the exit code that the
process ends with.
"""

__version__ = "0.1.0"
