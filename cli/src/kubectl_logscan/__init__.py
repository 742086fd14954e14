"""`kubectl logscan`: what logscan found, why a scan waits or failed, and rules tried on files.

It asks the API server, and DynamoDB for whole results. It scans local files with the scanner's own code, so that counts
are those of a scan in the cluster.
"""

__version__ = "0.1.0"
