"""Counting matches: records, rules, samples, times."""
