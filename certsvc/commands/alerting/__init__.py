"""状态变更通报: whoever used a license learns what became of it."""
