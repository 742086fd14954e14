"""What builds and checks: programs from their Go modules, images, manifests."""
