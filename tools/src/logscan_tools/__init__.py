"""What builds and checks logscan: programs from Go modules, images, manifests, generated files, the version."""
