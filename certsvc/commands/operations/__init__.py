"""What the operators of the service look at: whether it can work, and the figures of its queues."""
