"""What the decorators of all frameworks share: what to charge for a call, when, and when not."""
