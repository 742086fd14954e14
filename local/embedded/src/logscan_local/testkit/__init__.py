"""What tests and benchmarks build on: fixtures, a fake kubelet, operator processes, clusters that exist already."""
