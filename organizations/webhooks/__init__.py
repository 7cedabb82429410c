"""What a webhook is made of, without a database: where it may go, how it is signed, when it is tried again."""
