"""The steps of a release, each of which runs on any machine: `python -m logscan_tools.release STEP`."""
