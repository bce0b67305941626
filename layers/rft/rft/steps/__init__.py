"""What each door and each state of the state machine does. A function in ``functions/`` calls one of these."""
