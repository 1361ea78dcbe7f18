"""Ways to a node's serial console."""
