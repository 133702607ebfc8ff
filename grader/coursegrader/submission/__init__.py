"""One submission, as a function of bytes: specification, intake, restore, the hall it is examined in, scores."""
