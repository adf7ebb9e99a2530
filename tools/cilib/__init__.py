"""What the runners of tools/ share."""
