"""Pictures of the documentation that show what a running stack answers."""
