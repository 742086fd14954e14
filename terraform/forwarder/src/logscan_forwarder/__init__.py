"""The Lambda between S3 and the FIFO queue: S3 cannot notify a FIFO queue itself.

Standard library and the botocore of the Lambda runtime only, so that it starts fast and ships as a few kilobytes.
"""
