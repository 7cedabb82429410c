"""What monitors read: the counters of every process, and what the database knows."""
